// What a writer says of maintenance among its numbers; the leader reads from them when it is time.
import type { Maintained } from '#db/writer.ts';
import type { Sample } from '#http/metrics/exposition.ts';

/** Seconds since 1970, by the log's time; labelled with the kind. */
export const maintainedMetric = 'stockade_maintenance_last_timestamp_seconds';

/** For `/metrics`. */
export const maintainedSamples = ({ lastMs, vacuumsSkipped }: Maintained): readonly Sample[] => [
  ...Object.entries(lastMs).map(([kind, timeMs]) => ({
    name: maintainedMetric,
    labels: { kind },
    value: timeMs / 1000,
  })),
  { name: 'stockade_maintenance_skipped_total', labels: {}, value: vacuumsSkipped },
];
