// The log's files, synchronously: what the log thread runs, and what the simulator runs in its own
// process over a simulated disk. One append is one write and one fdatasync.
//
// An error of the disk leaves the log failed: nothing more is written, because after a failed sync
// nobody knows what is on the disk and a second sync would say "fine" without it being so. Only a
// full disk is different: the batch was not written, the caller may try it again.
import { dirname, join } from 'node:path';
import { CodedError } from '#errors.ts';
import { invariant } from '#invariant.ts';
import type { Clock } from '#io/clock.ts';
import type { FileSystem, OpenFile } from '#io/file-system.ts';
import { requirePrivate } from '#io/private-path.ts';
import type { Random } from '#io/random.ts';
import type { Entry } from '#raft/entry.ts';
import type { LogIndex } from '#raft/log-index.ts';
import type { DurableLogOptions, RecoveredLog } from './durable-log.ts';
import { crcSeedOf, encodeFrameHeader, frameBytesOf } from './frame.ts';
import { spareWantedAtShare } from './limits.ts';
import { decodeBatch } from './log-record.ts';
import { emptyBeginning, LogState } from './log-state.ts';
import { PositionIndex } from './position-index.ts';
import { EntryReader } from './read-entries.ts';
import { type RecoveredSegments, recoverSegments } from './recover-log.ts';
import { isFull, refuseWhenFull } from './refuse-when-full.ts';
import { SegmentReader, segmentNameOf } from './segment-file.ts';
import { encodeSegmentHeader, saltBytes, segmentHeaderBytes } from './segment-header.ts';
import { type Segment, SegmentList } from './segment-list.ts';
import { SpareSegments } from './spare-segments.ts';

/** What the log needs from outside. */
export interface SegmentedLogEffects {
  readonly files: FileSystem;
  readonly random: Random;
  readonly clock: Clock;
}

/** The segment that is written to. */
interface Active {
  readonly segment: Segment;
  readonly crcSeed: number;
  readonly file: OpenFile;
  /** Where the next frame goes. */
  position: number;
}

/** The files of an open log. */
export class SegmentedLog {
  readonly recovered: RecoveredLog;
  readonly #options: DurableLogOptions;
  readonly #effects: SegmentedLogEffects;
  readonly #state: LogState;
  readonly #segments: SegmentList;
  readonly #positions: PositionIndex;
  readonly #reader: EntryReader;
  readonly #spares: SpareSegments;
  #active: Active;
  #nextFrame: number;
  #failed = false;

  /**
   * Opens the log of a folder, or makes one. CodedError `log_damaged`, `data_folder_foreign`,
   * `file_permissions`, `disk_full`; else the operating system's errors.
   */
  constructor(options: DurableLogOptions, effects: SegmentedLogEffects) {
    this.#options = options;
    this.#effects = effects;
    const { files } = effects;
    const { folder, segmentBytes } = options;
    invariant(segmentBytes > segmentHeaderBytes, 'a segment has room behind its first page');
    ensureFolder(files, folder);
    const found = recoverSegments(files, folder);
    this.#state = found?.state ?? new LogState(emptyBeginning);
    this.#segments = found?.segments ?? new SegmentList();
    this.#positions = found?.positions ?? new PositionIndex();
    this.#nextFrame = found?.nextFrame ?? 1;
    this.#spares = new SpareSegments(files, folder, segmentBytes);
    // Names that an earlier run gave may not be durable yet.
    files.syncFolder(folder);
    this.#active = found === undefined ? this.#begin(0) : this.#resume(found);
    this.#reader = new EntryReader(files, folder, this.#segments, this.#positions, this.#state);
    const { terms, hardState } = this.#state;
    this.recovered = {
      hardState,
      trimmedIndex: terms.trimmedIndex,
      trimmedTerm: terms.trimmedTerm,
      terms: [...terms.ranges],
      lastIndex: terms.lastIndex,
      recentEntries: this.#reader.newest(options.recentBytesMax),
      configurationEntries: found?.configurationEntries ?? [],
    };
  }

  /**
   * Makes a batch (see `encodeBatch`) durable; gives the microseconds that the fdatasync took.
   * CodedError `disk_full`: nothing has changed, the same batch may be tried again. Any other
   * error: the log has failed and the process must end.
   */
  append(payload: Uint8Array): number {
    invariant(!this.#failed, 'nothing is written to a log that has failed');
    try {
      return this.#append(payload);
    } catch (error) {
      if (!(error instanceof CodedError && error.code === 'disk_full')) this.#failed = true;
      throw error;
    }
  }

  /**
   * Entries from `from` on: at least one, and as long as they are within `bytesMax`. Empty when
   * `from` is outside the log. CodedError `log_damaged` when they can no longer be read.
   */
  read(from: LogIndex, bytesMax: number): Entry[] {
    return this.#reader.read(from, this.#state.terms.lastIndex, bytesMax);
  }

  /** Forgets the oldest segments, as far as they hold nothing behind `index`. */
  trim(index: LogIndex): void {
    invariant(!this.#failed, 'nothing is trimmed from a log that has failed');
    try {
      this.#trim(index);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  /**
   * Prepares a piece of the next segment when it is time; true when there is more to do. For idle
   * moments: without it the append that needs the segment makes it.
   */
  prepare(): boolean {
    const { position, segment } = this.#active;
    if (this.#failed || position < segment.bytes * spareWantedAtShare) return false;
    try {
      return this.#spares.prepareSlice();
    } catch (error) {
      // An append will need the room, and will say so.
      this.#spares.abandon();
      if (!isFull(error)) throw error;
      return false;
    }
  }

  /** Closes the files. */
  close(): void {
    this.#failed = true;
    this.#spares.close();
    this.#active.file.close();
  }

  #append(payload: Uint8Array): number {
    const records = decodeBatch(payload);
    const bytes = frameBytesOf(payload.length);
    if (this.#active.position + bytes > this.#active.segment.bytes) this.#rotate(bytes);
    const active = this.#active;
    const header = encodeFrameHeader(this.#nextFrame, payload, active.crcSeed);
    // After a full disk a part of the frame may be there. It is no whole frame, so a recovery drops
    // it, and the next attempt writes over it.
    refuseWhenFull(() => active.file.write([header, payload], active.position));
    const { clock } = this.#effects;
    const start = clock.monotonicMs();
    active.file.syncData();
    const micros = Math.round((clock.monotonicMs() - start) * 1000);

    const reason = this.#state.apply(records);
    invariant(reason === undefined, `an append follows what is in the log: ${reason}`);
    const { segment, position } = active;
    this.#positions.apply(records, { segment: segment.number, position, frame: this.#nextFrame });
    this.#segments.apply(records, this.#state.terms.lastIndex);
    active.position += bytes;
    this.#nextFrame += 1;
    if (records.some((record) => record.kind === 'snapshot')) {
      this.#trim(this.#state.terms.trimmedIndex);
    }
    return micros;
  }

  #rotate(frameBytes: number): void {
    const previous = this.#active;
    this.#active = this.#begin(frameBytes);
    previous.file.close();
  }

  /** A new segment with room for the frame. It has its name only when its first page is durable. */
  #begin(frameBytes: number): Active {
    const { files, random } = this.#effects;
    const { folder, segmentBytes } = this.#options;
    const number = (this.#segments.last?.number ?? 0) + 1;
    const needed = Math.max(segmentBytes, segmentHeaderBytes + frameBytes);
    const spare = refuseWhenFull(
      () => this.#spares.take(needed),
      () => this.#spares.abandon(),
    );
    const salt = random.bytes(saltBytes);
    const { hardState, terms } = this.#state;
    const page = encodeSegmentHeader({
      number,
      salt,
      firstFrame: this.#nextFrame,
      hardState,
      previousIndex: terms.lastIndex,
      previousTerm: terms.lastTerm,
    });
    const file = files.open(spare, 'write');
    try {
      refuseWhenFull(() => file.write([page], 0));
      file.syncData();
    } catch (error) {
      file.close();
      this.#spares.discard(spare);
      throw error;
    }
    files.rename(spare, join(folder, segmentNameOf(number)));
    files.syncFolder(folder);
    this.#spares.forget(spare);
    const segment = { number, bytes: needed, salt, firstFrame: this.#nextFrame };
    this.#segments.add(segment, terms.lastIndex);
    return { segment, crcSeed: crcSeedOf(salt), file, position: segmentHeaderBytes };
  }

  /** Goes on in the last segment. */
  #resume(found: RecoveredSegments): Active {
    const segment = this.#segments.last;
    invariant(segment !== undefined, 'a log that was found has a segment');
    const path = join(this.#options.folder, segmentNameOf(segment.number));
    const file = this.#effects.files.open(path, 'write');
    if (found.lastFrame !== undefined) {
      // The last frame may be whole in the kernel's memory only: the run that wrote it may have
      // ended before its sync, or because of it (and then a sync alone would succeed without a
      // write).
      const frame = new SegmentReader(file, segment).frameAt(found.lastFrame, found.nextFrame - 1);
      invariant(frame !== undefined, 'the last frame can be read twice');
      const header = encodeFrameHeader(frame.frame, frame.payload, crcSeedOf(segment.salt));
      file.write([header, frame.payload], frame.position);
      file.syncData();
    }
    return { segment, crcSeed: crcSeedOf(segment.salt), file, position: found.end };
  }

  #trim(index: LogIndex): void {
    const { files } = this.#effects;
    const { folder, segmentBytes } = this.#options;
    const { terms } = this.#state;
    for (;;) {
      const oldest = this.#segments.oldestWithin(index);
      if (oldest === undefined) return;
      const path = join(folder, segmentNameOf(oldest.segment.number));
      if (oldest.segment.bytes === segmentBytes && this.#spares.wanted) this.#spares.reuse(path);
      else files.remove(path);
      // One by one: after a crash no segment may be missing between two that are there.
      files.syncFolder(folder);
      this.#segments.removeOldest();
      this.#positions.removeSegments(oldest.segment.number);
      if (oldest.endIndex > terms.trimmedIndex) terms.trim(oldest.endIndex);
    }
  }
}

const ensureFolder = (files: FileSystem, folder: string): void => {
  const status = files.status(folder);
  if (status === undefined) {
    files.createFolder(folder);
    files.syncFolder(dirname(folder));
    return;
  }
  if (status.kind !== 'folder') {
    throw new CodedError('data_folder_foreign', `${folder} is not a folder.`);
  }
  requirePrivate(folder, status);
};
