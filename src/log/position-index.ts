// Where in the segments to start reading for an entry: one position per so many bytes, never one
// per entry, so that memory stays small however long the log is.
//
// What holds: every entry of the log with an index from a point's on lies at the point's position
// or behind it. Entries that were truncated may lie there too; the reader tells them by their term.
import type { LogIndex } from '#raft/log-index.ts';
import { positionSpacingBytes } from './limits.ts';
import type { LogRecord } from './log-record.ts';

/** A frame in a segment. */
export interface LogPosition {
  readonly segment: number;
  readonly position: number;
  /** The frame's number. */
  readonly frame: number;
}

interface Point extends LogPosition {
  readonly index: LogIndex;
}

/** The positions of a log. */
export class PositionIndex {
  #points: Point[] = [];

  /** Takes notice of a batch whose frame is at `at`. */
  apply(records: readonly LogRecord[], at: LogPosition): void {
    for (const record of records) {
      if (record.kind === 'entry') this.#note(record.entry.index, at);
      else if (record.kind === 'truncate') this.#truncate(record.from);
      else if (record.kind === 'snapshot') this.#points = [];
    }
  }

  /** Where to start for `index`; undefined: at the beginning of the first segment. */
  find(index: LogIndex): LogPosition | undefined {
    return this.#points.findLast((point) => point.index <= index);
  }

  /**
   * Where to start to read backwards from `index`: the first index of the last point that is so
   * many bytes before the last one, or in an earlier segment; undefined: at the beginning.
   */
  indexBefore(index: LogIndex, bytes: number): LogIndex | undefined {
    const last = this.#points.findLast((point) => point.index < index);
    if (last === undefined) return undefined;
    const isFarther = ({ segment, position }: Point): boolean =>
      segment < last.segment || position <= last.position - bytes;
    return this.#points.findLast((point) => point.index < index && isFarther(point))?.index;
  }

  /** Segments up to and including this number are gone. */
  removeSegments(through: number): void {
    this.#points = this.#points.filter((point) => point.segment > through);
  }

  #note(index: LogIndex, at: LogPosition): void {
    const last = this.#points.at(-1);
    const near =
      last !== undefined &&
      last.segment === at.segment &&
      at.position - last.position < positionSpacingBytes;
    if (!near) this.#points.push({ index, ...at });
  }

  #truncate(from: LogIndex): void {
    while ((this.#points.at(-1)?.index ?? 0) >= from) this.#points.pop();
  }
}
