// Reads entries back from the segments: for followers that are far behind, and for what is kept in
// memory after a start. Frames are checked again, so bit rot is found here and never handed on.
import { join } from 'node:path';
import type { FileSystem } from '#io/file-system.ts';
import type { Entry } from '#raft/entry.ts';
import { indexAfter, type LogIndex } from '#raft/log-index.ts';
import { entryBytesOf } from './entry-bytes.ts';
import { positionSpacingBytes, windowBytes } from './limits.ts';
import type { LogState } from './log-state.ts';
import type { LogPosition, PositionIndex } from './position-index.ts';
import { damaged, recordsOf } from './recover-log.ts';
import { SegmentReader, segmentNameOf, withOpenFile } from './segment-file.ts';
import { segmentHeaderBytes } from './segment-header.ts';
import type { Segment, SegmentList } from './segment-list.ts';

/**
 * How far `newest` goes back at once: what is read then is no more than one window, because the
 * places that are remembered are not exactly so far apart.
 */
const stepBytes = windowBytes - 2 * positionSpacingBytes;

/** Entries that were read so far. */
interface Wanted {
  readonly entries: Entry[];
  next: LogIndex;
  readonly through: LogIndex;
  readonly bytesMax: number;
  bytes: number;
  full: boolean;
}

/** Reads entries of one log; it sees what the log's state says at each call. */
export class EntryReader {
  readonly #files: FileSystem;
  readonly #folder: string;
  readonly #segments: SegmentList;
  readonly #positions: PositionIndex;
  readonly #state: LogState;

  constructor(
    files: FileSystem,
    folder: string,
    segments: SegmentList,
    positions: PositionIndex,
    state: LogState,
  ) {
    this.#files = files;
    this.#folder = folder;
    this.#segments = segments;
    this.#positions = positions;
    this.#state = state;
  }

  /** Entries `from` to `through`, at least one, within `bytesMax`; empty outside the log. */
  read(from: LogIndex, through: LogIndex, bytesMax: number): Entry[] {
    const { trimmedIndex, lastIndex } = this.#state.terms;
    if (from <= trimmedIndex || from > lastIndex) return [];
    const wanted: Wanted = { entries: [], next: from, through, bytesMax, bytes: 0, full: false };
    const start = this.#positions.find(from);
    let frame = start?.frame;
    for (const segment of this.#segments.from(start?.segment ?? 0)) {
      if (
        frame !== undefined &&
        start?.segment !== segment.number &&
        frame !== segment.firstFrame
      ) {
        break;
      }
      const here = segment.number === start?.segment ? start : beginningOf(segment);
      frame = this.#readSegment(segment, here, wanted);
      if (isDone(wanted)) return wanted.entries;
    }
    throw damaged(this.#folder, `entry ${wanted.next} can no longer be read`);
  }

  /** The newest entries that fit `bytesMax`, without a gap to the last. */
  newest(bytesMax: number): Entry[] {
    const { trimmedIndex, lastIndex } = this.#state.terms;
    let entries: Entry[] = [];
    let bytes = 0;
    let end = lastIndex;
    // Backwards, a window at a time: entries are views into it and keep all of it in memory.
    while (end > trimmedIndex && bytes < bytesMax) {
      const start =
        this.#positions.indexBefore(indexAfter(end), stepBytes) ?? indexAfter(trimmedIndex);
      const from = start > trimmedIndex ? start : indexAfter(trimmedIndex);
      const chunk = this.read(from, end, Number.POSITIVE_INFINITY);
      entries = [...chunk, ...entries];
      bytes += entryBytesOf(chunk);
      end = indexAfter(from, -1);
    }
    let first = 0;
    for (; bytes > bytesMax; first++) bytes -= entryBytesOf(entries.slice(first, first + 1));
    return entries.slice(first);
  }

  /** Reads on until enough is there or the segment ends; gives the number of the next frame. */
  #readSegment(segment: Segment, start: LogPosition, wanted: Wanted): number {
    const path = join(this.#folder, segmentNameOf(segment.number));
    return withOpenFile(this.#files, path, (file) => {
      const reader = new SegmentReader(file, segment);
      let { position, frame: number } = start;
      for (;;) {
        const frame = reader.frameAt(position, number);
        if (frame === undefined) return number;
        for (const record of recordsOf(frame, `${path}, byte ${position}`)) {
          if (record.kind === 'entry') this.#offer(record.entry, wanted);
        }
        position = frame.end;
        number += 1;
        if (isDone(wanted)) return number;
      }
    });
  }

  /** Takes the entry if it is the next one; index and term name it (truncated ones had another). */
  #offer(entry: Entry, wanted: Wanted): void {
    if (isDone(wanted) || entry.index !== wanted.next) return;
    if (entry.term !== this.#state.terms.termOf(entry.index)) return;
    const bytes = wanted.bytes + entryBytesOf([entry]);
    if (wanted.entries.length > 0 && bytes > wanted.bytesMax) {
      wanted.full = true;
      return;
    }
    wanted.entries.push(entry);
    wanted.bytes = bytes;
    wanted.next = indexAfter(wanted.next);
  }
}

const isDone = (wanted: Wanted): boolean => wanted.full || wanted.next > wanted.through;

const beginningOf = (segment: Segment): LogPosition => ({
  segment: segment.number,
  position: segmentHeaderBytes,
  frame: segment.firstFrame,
});
