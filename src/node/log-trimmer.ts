// Keeps the Raft log bounded: forgets entries that the database holds durably, less a trailing
// window for nodes that were away for a short time. It never trims beyond what would survive a
// power cut, and what a live follower or a running image still needs stays, within a bound of its
// own.
import type { DurableLog } from '#log/durable-log.ts';
import type { Entry } from '#raft/entry.ts';
import { type LogIndex, logIndex } from '#raft/log-index.ts';
import type { Raft } from '#raft/raft.ts';

/** What an entry takes on disk besides its data, about: the frame, the record, the padding. */
const entryOverheadBytes = 64;

/** While somebody needs them this many times `trailingBytes` stay: then the disk counts more. */
const neededBytesFactor = 4;

/**
 * A byte count is noted this often per `trailingBytes`: a few hundred numbers, whatever the log.
 */
const notesPerWindow = 64;

/** The database is asked for its durable index at least this rarely: each time costs a sync. */
const stepEntriesMin = 1000;

/** What the trimmer works with. */
export interface LogTrimmerOptions {
  readonly raft: Pick<Raft, 'trimmed' | 'followers'>;
  readonly log: Pick<DurableLog, 'trim'>;
  /** Entries that stay although they are applied and durable. */
  readonly trailingEntries: number;
  /** Most bytes of them. */
  readonly trailingBytes: number;
  /** The log lets go of whole segments only. */
  readonly segmentBytes: number;
  /** The highest applied index that survives a power cut; rejects when there is no writer now. */
  readonly durableIndex: () => Promise<number>;
  /** Entries behind this one are needed by an image under way; undefined when there is none. */
  readonly heldIndex: () => number | undefined;
}

interface Note {
  readonly index: number;
  /** Bytes of all entries up to and including it that were applied since the start. */
  readonly bytes: number;
}

/** Trims the log of one node; told of every applied batch. */
export class LogTrimmer {
  readonly #options: LogTrimmerOptions;
  /** Ascending; the first one is where counting began or the log was trimmed. */
  #notes: Note[];
  #appliedIndex: number;
  #appliedBytes = 0;
  #trimmedIndex: number;
  #sinceEntries = 0;
  #sinceBytes = 0;
  #asking = false;
  /** Commands applied since the last snapshot that somebody asked for, or the start. */
  #commands = 0;

  /** Entries up to `appliedIndex` are applied; those before the start are not counted in bytes. */
  constructor(options: LogTrimmerOptions, trimmedIndex: LogIndex, appliedIndex: LogIndex) {
    this.#options = options;
    this.#trimmedIndex = trimmedIndex;
    this.#appliedIndex = appliedIndex;
    this.#notes = [{ index: appliedIndex, bytes: 0 }];
  }

  /** Up to here entries are forgotten, as far as this start knows. */
  get trimmedIndex(): number {
    return this.#trimmedIndex;
  }

  /** These entries were applied. */
  applied(entries: readonly Entry[]): void {
    const { trailingEntries, trailingBytes, segmentBytes } = this.#options;
    for (const { index, data, kind } of entries) {
      // After a restart of the writer some come a second time.
      if (index <= this.#appliedIndex) continue;
      this.#appliedIndex = index;
      this.#appliedBytes += data.length + entryOverheadBytes;
      this.#sinceEntries += 1;
      if (kind === 'command') this.#commands += 1;
      this.#sinceBytes += data.length + entryOverheadBytes;
    }
    const last = this.#notes.at(-1);
    if (last === undefined || this.#appliedBytes - last.bytes >= trailingBytes / notesPerWindow) {
      this.#notes.push({ index: this.#appliedIndex, bytes: this.#appliedBytes });
    }
    const stepEntries = Math.max(stepEntriesMin, Math.floor(trailingEntries / 8));
    if (this.#sinceEntries >= stepEntries || this.#sinceBytes >= segmentBytes) void this.#trim();
  }

  /** The log begins anew behind `index`: an image was adopted. */
  restarted(index: LogIndex): void {
    this.#trimmedIndex = index;
    this.#appliedIndex = index;
    this.#notes = [{ index, bytes: this.#appliedBytes }];
  }

  /**
   * Makes what is applied durable and trims the log now; `trailing`: how many entries stay, 0 for
   * as many as always. Gives whether there was anything new. Rejects while there is no writer.
   */
  async snapshot(trailing: number): Promise<boolean> {
    const { trailingEntries, durableIndex } = this.#options;
    const made = this.#commands > 0;
    this.#commands = 0;
    this.#trimTo(await durableIndex(), trailing === 0 ? trailingEntries : trailing);
    return made;
  }

  async #trim(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    this.#sinceEntries = 0;
    this.#sinceBytes = 0;
    const durable = await this.#options.durableIndex().catch(() => 0);
    this.#asking = false;
    this.#trimTo(durable, this.#options.trailingEntries);
  }

  #trimTo(durable: number, trailingEntries: number): void {
    const index = Math.min(durable, this.#mayGo(trailingEntries));
    if (index <= this.#trimmedIndex) return;
    this.#trimmedIndex = index;
    this.#notes = this.#notes.filter((note) => note.index >= index);
    // The core first: it must not ask for what is about to go.
    this.#options.raft.trimmed(logIndex(index));
    this.#options.log.trim(logIndex(index));
  }

  /** The last entry that nobody needs any more, or that must go all the same. */
  #mayGo(trailingEntries: number): number {
    const { raft, trailingBytes, heldIndex } = this.#options;
    const outside = Math.max(
      this.#appliedIndex - trailingEntries,
      this.#beforeNewest(trailingBytes),
    );
    let needed = heldIndex() ?? Number.POSITIVE_INFINITY;
    for (const { match, isActive, needsImage } of raft.followers) {
      if (isActive && !needsImage && match < needed) needed = match;
    }
    return Math.max(
      Math.min(outside, needed),
      this.#beforeNewest(neededBytesFactor * trailingBytes),
    );
  }

  /** The last noted entry behind which at least `bytes` are; 0 when there are fewer. */
  #beforeNewest(bytes: number): number {
    return this.#notes.findLast((note) => this.#appliedBytes - note.bytes >= bytes)?.index ?? 0;
  }
}
