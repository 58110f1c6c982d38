// Reads what a crash left. Everything is read, every frame and every join between two segments is
// checked, and the rule for the end is strict: a torn last frame is dropped, because it was never
// acknowledged; anything else that cannot be read refuses to start, because it was.
import { join } from 'node:path';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Entry } from '#raft/entry.ts';
import { windowBytes } from './limits.ts';
import { decodeBatch, type LogRecord } from './log-record.ts';
import { LogState } from './log-state.ts';
import { PositionIndex } from './position-index.ts';
import {
  type Frame,
  firstPageOf,
  SegmentReader,
  segmentFileFrom,
  segmentNameOf,
  withOpenFile,
} from './segment-file.ts';
import { type SegmentHeader, segmentHeaderBytes, segmentHeaderFrom } from './segment-header.ts';
import { type Segment, SegmentList } from './segment-list.ts';

/** What the segments of a folder hold. */
export interface RecoveredSegments {
  readonly segments: SegmentList;
  readonly state: LogState;
  readonly positions: PositionIndex;
  /** Every configuration entry in the log, in order. */
  readonly configurationEntries: readonly Entry[];
  /** The number of the next frame, and where in the last segment it goes. */
  readonly nextFrame: number;
  readonly end: number;
  /** Where the last whole frame begins; undefined when the last segment has none. */
  readonly lastFrame: number | undefined;
}

/** The refusal to start from a log that lost something it had acknowledged. */
export const damaged = (where: string, why: string): CodedError =>
  new CodedError('log_damaged', `The Raft log is damaged at ${where}: ${why}.`, {
    hint:
      'Nothing was changed. Start once with --recover-tail: this node then drops what it cannot ' +
      'read and catches up as a learner. Never put an older copy of the folder in its place: the ' +
      'node would vote a second time in terms it has voted in.',
  });

/**
 * Reads all segments; undefined when there is none. CodedError `log_damaged` when something is
 * missing or broken that was acknowledged once, `data_folder_foreign` for another format version.
 */
export const recoverSegments = (
  files: FileSystem,
  folder: string,
): RecoveredSegments | undefined => {
  const { recovery, damage } = readAll(files, folder);
  if (damage !== undefined) throw damage;
  return recovery.result();
};

/** How far a damaged log can be read. */
export interface ReadablePart {
  /** The last segment with a first page that can be read; undefined when not even the first has. */
  readonly lastSegment: Segment | undefined;
  /** Where in it what can be read ends. */
  readonly end: number;
  readonly damage: CodedError;
}

/** What can be read of a damaged log; undefined when it is not damaged. Other errors are thrown. */
export const readablePartOf = (files: FileSystem, folder: string): ReadablePart | undefined => {
  const { recovery, damage } = readAll(files, folder);
  if (damage === undefined) return undefined;
  return { lastSegment: recovery.segments.last, end: recovery.end, damage };
};

const readAll = (files: FileSystem, folder: string) => {
  const recovery = new Recovery(files, folder);
  const numbers = segmentNumbersIn(files, folder);
  let expected = numbers[0];
  try {
    for (const number of numbers) {
      if (number !== expected) throw damaged(folder, `${segmentNameOf(expected ?? 0)} is missing`);
      recovery.readSegment(number, number === numbers.at(-1));
      expected = number + 1;
    }
    return { recovery, damage: undefined };
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'log_damaged')) throw error;
    return { recovery, damage: error };
  }
};

/** The numbers of the segments in the folder, ascending. */
export const segmentNumbersIn = (files: FileSystem, folder: string): number[] => {
  const numbers: number[] = [];
  for (const name of files.list(folder)) {
    const file = segmentFileFrom(name);
    if (file?.kind === 'segment') numbers.push(file.number);
  }
  return numbers.sort((a, b) => a - b);
};

class Recovery {
  readonly #files: FileSystem;
  readonly #folder: string;
  /** Segments whose first page could be read. */
  readonly segments = new SegmentList();
  /** Behind the last frame that could be read. */
  end = 0;
  readonly #positions = new PositionIndex();
  #state: LogState | undefined;
  #configurationEntries: Entry[] = [];
  readonly #scratch = Buffer.allocUnsafeSlow(windowBytes);
  #nextFrame = 0;
  #lastFrame: number | undefined;

  constructor(files: FileSystem, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  result(): RecoveredSegments | undefined {
    if (this.#state === undefined) return undefined;
    return {
      segments: this.segments,
      state: this.#state,
      positions: this.#positions,
      configurationEntries: this.#configurationEntries,
      nextFrame: this.#nextFrame,
      end: this.end,
      lastFrame: this.#lastFrame,
    };
  }

  readSegment(number: number, isLast: boolean): void {
    const path = join(this.#folder, segmentNameOf(number));
    withOpenFile(this.#files, path, (file) => {
      const header = segmentHeaderFrom(firstPageOf(file), path);
      if (header === undefined || header.number !== number) {
        throw damaged(path, 'its first page cannot be read');
      }
      const state = this.#begin(header, path);
      const bytes = file.status().bytes;
      const { salt, firstFrame } = header;
      this.segments.add({ number, bytes, salt, firstFrame }, state.terms.lastIndex);
      const reader = new SegmentReader(file, header, this.#scratch);
      this.end = segmentHeaderBytes;
      this.#lastFrame = undefined;
      for (;;) {
        const frame = reader.frameAt(this.end, this.#nextFrame);
        if (frame === undefined) break;
        this.#apply(state, frame, number, path);
      }
      if (!isLast) return;
      const later = reader.findLaterFrame(this.end, this.#nextFrame);
      if (later !== undefined) {
        throw damaged(
          `${path}, byte ${this.end}`,
          `no frame can be read there, but one follows at byte ${later}`,
        );
      }
    });
  }

  /** The state that a segment begins with: what the ones before it came to, to the letter. */
  #begin(header: SegmentHeader, path: string): LogState {
    const { hardState, previousIndex: index, previousTerm: term, firstFrame } = header;
    const state = this.#state;
    if (state === undefined) {
      this.#state = new LogState({ hardState, index, term });
      this.#nextFrame = firstFrame;
      return this.#state;
    }
    const same =
      firstFrame === this.#nextFrame &&
      index === state.terms.lastIndex &&
      term === state.terms.lastTerm &&
      hardState.term === state.hardState.term &&
      hardState.votedFor === state.hardState.votedFor &&
      hardState.commitIndex === state.hardState.commitIndex;
    if (!same) {
      throw damaged(
        path,
        `it begins with frame ${firstFrame} behind entry ${index}, but the segment before it can ` +
          `be read to frame ${this.#nextFrame - 1} and entry ${state.terms.lastIndex} only`,
      );
    }
    return state;
  }

  #apply(state: LogState, frame: Frame, segment: number, path: string): void {
    const where = `${path}, byte ${frame.position}`;
    const records = recordsOf(frame, where);
    const reason = state.apply(records);
    if (reason !== undefined) throw damaged(where, reason);
    const at = { segment, position: frame.position, frame: frame.frame };
    this.#positions.apply(records, at);
    this.segments.apply(records, state.terms.lastIndex);
    for (const record of records) this.#noteConfiguration(record);
    this.#lastFrame = frame.position;
    this.#nextFrame = frame.frame + 1;
    this.end = frame.end;
  }

  #noteConfiguration(record: LogRecord): void {
    if (record.kind === 'truncate') {
      this.#configurationEntries = this.#configurationEntries.filter(
        (entry) => entry.index < record.from,
      );
    } else if (record.kind === 'snapshot') {
      this.#configurationEntries = [];
    } else if (record.kind === 'entry' && record.entry.kind === 'configuration') {
      const { entry } = record;
      // A copy: the entry's data is a view into a window of the file.
      this.#configurationEntries.push({ ...entry, data: new Uint8Array(entry.data) });
    }
  }
}

/**
 * A frame's records; its checksum is right, so bytes that do not parse are a fault or a newer kind.
 */
export const recordsOf = (frame: Frame, where: string): LogRecord[] => {
  try {
    return decodeBatch(frame.payload);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw damaged(where, error.message);
  }
};
