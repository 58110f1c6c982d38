// When maintenance was done last: a value beside the position, so it is as old or as new as the
// data, and a new leader knows when it is time again.
import { type MaintenanceKind, maintenanceKinds } from '#command/maintenance-codec.ts';
import type { PositionStore } from './position.ts';

/** The name of the value: milliseconds since 1970 by the log's time. */
export const maintainedKey = (kind: MaintenanceKind): string => `maintained ${kind}`;

/** All that are there, by kind. */
export const maintainedIn = (store: PositionStore): Readonly<Record<string, number>> =>
  Object.fromEntries(
    maintenanceKinds.flatMap((kind) => {
      const timeMs = store.readValue(maintainedKey(kind));
      return timeMs === null ? [] : [[kind, Number(timeMs)]];
    }),
  );
