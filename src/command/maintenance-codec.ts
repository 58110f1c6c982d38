// What the leader lets every node do to its database now and then: it stands in the log where a
// command stands. Its format number is none of a command's (1, 2, 4) or of a step of a load (3), so
// that no reader takes one for the other. The page docs/formats/command.md describes it.
import { maintenanceFormat } from './format.ts';
import { tagOf, WireReader, WireWriter, wireType } from './wire.ts';

/**
 * `vacuum`: the file without free pages. `optimize`: statistics for plans, as ANALYZE makes them.
 */
export type MaintenanceKind = 'vacuum' | 'optimize';

/** All of them; a place, counted from 1, is the number. */
export const maintenanceKinds: readonly MaintenanceKind[] = ['vacuum', 'optimize'];

const { varint } = wireType;

const writer = new WireWriter();

/** The bytes for the log. */
export const encodeMaintenance = (kind: MaintenanceKind): Buffer => {
  writer.start();
  writer.varintField(1, maintenanceFormat);
  writer.varintField(2, maintenanceKinds.indexOf(kind) + 1);
  return writer.finish();
};

/** Whether these bytes, where a command may stand, are maintenance. */
export const isMaintenance = (input: Uint8Array): boolean =>
  input[0] === tagOf(1, varint) && input[1] === maintenanceFormat;

/** Undefined for a kind that this version does not know: every replica does nothing then. */
export const maintenanceFrom = (input: Uint8Array): MaintenanceKind | undefined => {
  const reader = new WireReader(input);
  reader.tag();
  reader.varint();
  if (reader.done || reader.tag() !== tagOf(2, varint)) return undefined;
  return maintenanceKinds[reader.varint() - 1];
};
