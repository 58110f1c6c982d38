// Feeds committed entries to the writer, in order and no faster than it applies, and hands its
// outcomes to whoever waits. Entries come from the core's memory, older ones from the log.
import type { AppliedBatch, CommittedEntry } from '#db/writer.ts';
import { invariant } from '#invariant.ts';
import { writerBytesInFlightMax, writerFramesInFlightMax } from '#limits.ts';
import type { DurableLog } from '#log/durable-log.ts';
import type { Entry } from '#raft/entry.ts';
import { indexAfter, type LogIndex, logIndex } from '#raft/log-index.ts';
import type { Raft } from '#raft/raft.ts';

/** Most bytes of entries in one frame to the writer: a batch, not a backlog. */
const frameEntriesBytesMax = 1024 * 1024;
/** Most entries in one frame: bounds how long the writer works before it answers. */
const frameEntriesMax = 1024;
/**
 * A writer that begins gets as many entries one a frame: should one of them never end, what takes
 * so long is known by its index. It need not be more than a frame: those before it were committed.
 */
const singleEntries = frameEntriesMax;

/** What the feed needs of the node. */
export interface ApplyFeedEvents {
  /** `renderBits` for the entry, 0 when nobody here waits for it. */
  readonly renderOf: (entry: Entry) => number;
  readonly onApplied: (batch: AppliedBatch, entries: readonly Entry[]) => void;
  /** Whether apply stands still behind this entry, until `resume` is called. */
  readonly pausesBehind: (entry: Entry) => boolean;
  /** The database holds that entry and nothing behind it. */
  readonly onPaused: (index: LogIndex, resume: () => void) => void;
  readonly onFailed: (error: Error) => void;
}

/** Sends a frame to the writer; `done` gets undefined when the writer is gone. */
export type SendToWriter = (
  entries: readonly CommittedEntry[],
  done: (batch: AppliedBatch | undefined) => void,
) => void;

/** Entries that the writer works on. */
export interface StuckEntries {
  readonly from: LogIndex;
  readonly through: LogIndex;
  /** Those that can take long: all but barriers and configurations. */
  readonly suspects: readonly LogIndex[];
}

const lastCommandIn = (entries: readonly Entry[]): LogIndex | undefined =>
  entries.findLast(({ kind }) => kind === 'command')?.index;

/** The way from commit to apply. */
export class ApplyFeed {
  readonly #raft: Raft;
  readonly #log: DurableLog;
  readonly #events: ApplyFeedEvents;
  #send: SendToWriter | undefined;
  #appliedIndex: LogIndex;
  #lastChange: LogIndex;
  /** The last entry that was sent to the writer. */
  #sentIndex: LogIndex;
  #commitIndex: LogIndex;
  /** The frames under way, oldest first. */
  #frames: (readonly Entry[])[] = [];
  #bytesInFlight = 0;
  #loading = false;
  /** Answers of a writer that is gone are not mistaken for the new one's. */
  #writerNumber = 0;
  /** How many entries this writer was sent. */
  #sentToWriter = 0;
  /** Nothing behind this entry is sent. */
  #pausedBehind: LogIndex | undefined;
  readonly #nowMs: () => number;
  /** When the last entry was applied, or the first one came that is not. */
  #progressMs: number;

  /** `nowMs` is a monotonic clock. */
  constructor(
    raft: Raft,
    log: DurableLog,
    appliedIndex: LogIndex,
    nowMs: () => number,
    events: ApplyFeedEvents,
  ) {
    this.#nowMs = nowMs;
    this.#progressMs = nowMs();
    this.#raft = raft;
    this.#log = log;
    this.#events = events;
    this.#appliedIndex = appliedIndex;
    this.#lastChange = appliedIndex;
    this.#sentIndex = appliedIndex;
    this.#commitIndex = raft.commitIndex;
  }

  /** The last entry the writer reported as applied. */
  get appliedIndex(): LogIndex {
    return this.#appliedIndex;
  }

  /**
   * The last applied entry that may have changed data, as far as this node knows: all that a writer
   * held when it began may have.
   */
  get lastChange(): LogIndex {
    return this.#lastChange;
  }

  /** Entries that are committed and not applied. */
  get lagEntries(): number {
    return Math.max(0, this.#commitIndex - this.#appliedIndex);
  }

  /** For how long committed entries wait without one of them being applied, milliseconds. */
  get stalledMs(): number {
    return this.lagEntries === 0 ? 0 : this.#nowMs() - this.#progressMs;
  }

  /**
   * The entries that are to be applied next: those of the frame that the writer works on. One of
   * them it is that takes so long. Undefined: everything is applied.
   */
  get stuckAt(): StuckEntries | undefined {
    if (this.lagEntries === 0) return undefined;
    const from = indexAfter(this.#appliedIndex);
    const frame = this.#frames[0] ?? [];
    const suspects = frame.flatMap(({ index, kind }) => (kind === 'command' ? [index] : []));
    return { from, through: frame.at(-1)?.index ?? from, suspects };
  }

  /** Entries up to `index` are committed. */
  committed(index: LogIndex): void {
    if (this.lagEntries === 0) this.#progressMs = this.#nowMs();
    this.#commitIndex = index;
    this.pump();
  }

  /** A writer is ready and holds everything up to `appliedIndex`. */
  attach(send: SendToWriter, appliedIndex: LogIndex): void {
    this.#writerNumber += 1;
    this.#send = send;
    this.#frames = [];
    this.#sentToWriter = 0;
    this.#bytesInFlight = 0;
    this.#pausedBehind = undefined;
    this.#appliedIndex = appliedIndex;
    this.#lastChange = appliedIndex;
    this.#sentIndex = appliedIndex;
    this.pump();
  }

  /** The writer is gone; nothing is sent until the next `attach`. */
  detach(): void {
    this.#send = undefined;
  }

  /** Sends what may be sent. */
  pump(): void {
    while (
      this.#send !== undefined &&
      this.#pausedBehind === undefined &&
      this.#sentIndex < this.#commitIndex &&
      this.#frames.length < writerFramesInFlightMax &&
      this.#bytesInFlight < writerBytesInFlightMax
    ) {
      const from = indexAfter(this.#sentIndex);
      const last = this.#sendsSingly ? from : this.#sentIndex + frameEntriesMax;
      const through = logIndex(Math.min(this.#commitIndex, last));
      const entries = this.#raft.cachedEntries(from, through, frameEntriesBytesMax);
      if (entries === undefined) {
        this.#loadFrom(from);
        return;
      }
      this.#sendFrame(this.#send, entries);
    }
  }

  #sendFrame(send: SendToWriter, found: readonly Entry[]): void {
    const pause = found.findIndex((entry) => this.#events.pausesBehind(entry));
    const entries = pause < 0 ? found : found.slice(0, pause + 1);
    if (pause >= 0) this.#pausedBehind = found[pause]?.index;
    this.#sentToWriter += entries.length;
    const last = entries.at(-1);
    if (last === undefined) return;
    let bytes = 0;
    const frame = entries.map((entry): CommittedEntry => {
      bytes += entry.data.length;
      return { ...entry, render: this.#events.renderOf(entry) };
    });
    this.#sentIndex = last.index;
    this.#frames.push(entries);
    this.#bytesInFlight += bytes;
    const writerNumber = this.#writerNumber;
    send(frame, (batch) => {
      if (batch === undefined || writerNumber !== this.#writerNumber) return;
      this.#frames.shift();
      this.#bytesInFlight -= bytes;
      this.#appliedIndex = logIndex(batch.appliedIndex);
      this.#lastChange = lastCommandIn(entries) ?? this.#lastChange;
      this.#progressMs = this.#nowMs();
      this.#events.onApplied(batch, entries);
      if (this.#appliedIndex === this.#pausedBehind) this.#reportPause(this.#pausedBehind);
      this.pump();
    });
  }

  get #sendsSingly(): boolean {
    return this.#sentToWriter < singleEntries;
  }

  /** What was read from the log is sent whole, or it would have to be read again. */
  #sendLoaded(send: SendToWriter, entries: readonly Entry[]): void {
    for (let at = 0; at < entries.length && this.#pausedBehind === undefined; ) {
      const count = this.#sendsSingly ? 1 : entries.length - at;
      this.#sendFrame(send, entries.slice(at, at + count));
      at += count;
    }
  }

  #reportPause(index: LogIndex): void {
    this.#events.onPaused(index, () => {
      if (this.#pausedBehind !== index) return;
      this.#pausedBehind = undefined;
      this.pump();
    });
  }

  #loadFrom(from: LogIndex): void {
    if (this.#loading) return;
    this.#loading = true;
    const writerNumber = this.#writerNumber;
    const loaded = this.#log.read(from, frameEntriesBytesMax).then((entries) => {
      this.#loading = false;
      const next = indexAfter(this.#sentIndex);
      // Meanwhile there may be another writer, or the core may have found the entries itself.
      if (writerNumber === this.#writerNumber && next === from && this.#send !== undefined) {
        const wanted = entries.filter(
          (entry) => entry.index >= next && entry.index <= this.#commitIndex,
        );
        invariant(wanted[0]?.index === next, 'what is committed and not applied is in the log');
        this.#sendLoaded(this.#send, wanted);
      }
      this.pump();
    });
    loaded.catch((error: unknown) => {
      this.#loading = false;
      this.#events.onFailed(error instanceof Error ? error : new Error(String(error)));
    });
  }
}
