// What the writer process counts: batches of entries and write-backs of the write-ahead log, each
// timed around the call.
import type { CommittedEntry, Writer } from '#db/writer.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import { Histogram } from '#http/metrics/histogram.ts';

/** Of captured changes; none where nothing is captured. */
export const capturedSamples = (captured: Writer['captured']): readonly Sample[] => {
  if (captured === undefined) return [];
  const { storedIndex, keptBytes, gaps } = captured;
  return [
    { name: 'stockade_changes_stored_index', labels: {}, value: storedIndex },
    { name: 'stockade_changes_kept_bytes', labels: {}, value: keptBytes },
    { name: 'stockade_changes_gaps_total', labels: {}, value: gaps },
  ];
};

/** Counts around a writer. */
export class WriterNumbers {
  readonly #nowMs: () => number;
  readonly #batches = new Histogram();
  readonly #checkpoints = new Histogram();
  #entries = 0;

  /** @param nowMs a monotonic clock, milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Applies a batch; what it throws is not counted. */
  apply(writer: Writer, entries: readonly CommittedEntry[]): ReturnType<Writer['apply']> {
    const since = this.#nowMs();
    const batch = writer.apply(entries);
    this.#batches.observe((this.#nowMs() - since) / 1000);
    this.#entries += entries.length;
    return batch;
  }

  /** Writes the write-ahead log back when it is large. */
  maintain(writer: Writer): void {
    const since = this.#nowMs();
    if (writer.maintain()) this.#checkpoints.observe((this.#nowMs() - since) / 1000);
  }

  /** The numbers now. */
  samples(): readonly Sample[] {
    return [
      { name: 'stockade_writer_entries_total', labels: {}, value: this.#entries },
      ...this.#batches.samples('stockade_writer_batch_duration_seconds'),
      ...this.#checkpoints.samples('stockade_wal_checkpoint_duration_seconds'),
    ];
  }
}
