// The segments of a log and how far each of them is still needed.
import { indexAfter, type LogIndex } from '#raft/log-index.ts';
import type { LogRecord } from './log-record.ts';

/** One segment. */
export interface Segment {
  readonly number: number;
  readonly bytes: number;
  readonly salt: Uint8Array;
  readonly firstFrame: number;
}

interface Listed {
  readonly segment: Segment;
  /** The last entry of the log that lies in this segment or before it. */
  endIndex: LogIndex;
}

/** All segments, oldest first; the last one is written to. */
export class SegmentList {
  readonly #listed: Listed[] = [];

  get last(): Segment | undefined {
    return this.#listed.at(-1)?.segment;
  }

  /** The segments from the one with this number on. */
  from(number: number): readonly Segment[] {
    return this.#listed.map(({ segment }) => segment).filter((segment) => segment.number >= number);
  }

  /** A new last segment, while the log ends with `lastIndex`. */
  add(segment: Segment, lastIndex: LogIndex): void {
    this.#listed.push({ segment, endIndex: lastIndex });
  }

  /** A batch went into the last segment; the log ends with `lastIndex` now. */
  apply(records: readonly LogRecord[], lastIndex: LogIndex): void {
    for (const record of records) {
      if (record.kind === 'truncate') this.#lower(indexAfter(record.from, -1));
      else if (record.kind === 'snapshot') this.#lower(record.index);
    }
    const last = this.#listed.at(-1);
    if (last !== undefined) last.endIndex = lastIndex;
  }

  /**
   * The oldest segment with the last entry in it, when it is not the one that is written to and all
   * of the log's entries in it are at most `index`.
   */
  oldestWithin(index: LogIndex): { segment: Segment; endIndex: LogIndex } | undefined {
    const oldest = this.#listed[0];
    if (oldest === undefined || this.#listed.length === 1) return undefined;
    return oldest.endIndex <= index ? oldest : undefined;
  }

  /** The oldest segment is gone. */
  removeOldest(): void {
    this.#listed.shift();
  }

  #lower(index: LogIndex): void {
    for (const listed of this.#listed) if (listed.endIndex > index) listed.endIndex = index;
  }
}
