// Captures what applied entries changed: reads each committed transaction back from the write-ahead
// log and stores its events. The connection that applies entries runs nothing for it and knows
// nothing of it, so that what it computes cannot depend on whether this is on.
//
// What a crash leaves is found again in the same log: it is written back only behind `secure`, and
// until then holds every transaction whose events may not be stored.
import { invariant } from '#invariant.ts';
import type { OpenFile } from '#io/file-system.ts';
import { entryEventBytesMax } from './bounds.ts';
import { bytesOf, type ChangeEvent, type GapReason, gapEvent } from './change-event.ts';
import type { ChangeStore, EntryEvents, StoredPosition } from './change-store.ts';
import { CommitReader } from './commit-changes.ts';
import { PageVersions } from './page-versions.ts';
import { WalTail, type WrittenPages } from './wal-tail.ts';

/** What is captured from, and into. */
export interface CaptureOptions {
  readonly database: OpenFile;
  readonly log: OpenFile;
  readonly store: ChangeStore;
  readonly generation: string;
  /** The entry that made this generation of the one before and changed no row; or undefined. */
  readonly vacuumedAt: number | undefined;
  /** Something could not be captured; it is a gap of the stream. */
  readonly onProblem: (error: unknown) => void;
}

/** Captures from one generation of the database. */
export class Capture {
  readonly #options: CaptureOptions;
  #tail: WalTail;
  #versions: PageVersions;
  #reader: CommitReader;
  /** Every change up to this entry is stored or about to be. */
  #index: number;
  /** Events of an entry whose first statements are committed; undefined: too many. */
  #partial: ChangeEvent[] | undefined;
  /** How many statements those are. */
  #statementsDone: number;
  #partialBytes = 0;
  #entries: EntryEvents[] = [];
  #waitingBytes = 0;
  /** What was read since the last append could be stored neither. */
  #lostFrom = 0;
  #gaps = 0;

  /** Takes up where the store says; `appliedIndex` is where the database stands. */
  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#tail = new WalTail(options.log);
    this.#versions = new PageVersions(options.database, options.log);
    const stored = options.store.position;
    this.#index = stored.index;
    this.#statementsDone = stored.statementsDone;
    const { partial } = options.store;
    this.#partial = partial.some(({ table }) => table === '') ? undefined : [...partial];
    if (this.#skipTo(stored)) {
      this.#reader = new CommitReader(this.#versions);
      this.follow();
      return;
    }
    this.#reader = this.#skipToEnd();
    const { index, timeMs, statementsDone } = this.#reader.position;
    const vacuumed = index === options.vacuumedAt && index === stored.index + 1;
    if (vacuumed && options.generation !== stored.generation) this.#index = index;
    if (index > this.#index) this.#gap(index, timeMs, 'missed');
    // Of an entry that was broken off here what is not stored is not known.
    if (index === this.#index && statementsDone > this.#statementsDone) {
      this.#partial = undefined;
      this.#statementsDone = statementsDone;
    }
    this.#store();
  }

  /** Reads as far as the store has it; false when this is another log. */
  #skipTo({ generation, salts, frames }: StoredPosition): boolean {
    if (generation !== this.#options.generation || salts !== this.#tail.position.salts) {
      return false;
    }
    while (this.#tail.position.frames < frames) {
      const written = this.#tail.next();
      if (written === undefined) return false;
      this.#skip(written);
    }
    return this.#tail.position.frames === frames;
  }

  #skipToEnd(): CommitReader {
    for (let next = this.#tail.next(); next !== undefined; next = this.#tail.next()) {
      this.#skip(next);
    }
    return new CommitReader(this.#versions);
  }

  #skip(written: WrittenPages): void {
    this.#versions.look(written);
    this.#versions.pass();
  }

  /** The last entry that is captured, and how many gaps there were. */
  get numbers(): { readonly storedIndex: number; readonly gaps: number } {
    return { storedIndex: this.#index, gaps: this.#gaps };
  }

  /** Captures what was committed since; what cannot be becomes a gap. Never throws. */
  follow(): void {
    try {
      if (this.#tail.beganAnew()) this.#versions.forgetLog();
      for (let next = this.#tail.next(); next !== undefined; next = this.#tail.next()) {
        this.#take(next);
      }
    } catch (thrown) {
      this.#options.onProblem(thrown);
      this.#beginAnew();
    }
    this.#store();
  }

  #take(written: WrittenPages): void {
    const { position, events } = this.#reader.read(written);
    const { index, timeMs, statementsDone } = position;
    // Where a power cut took back what was applied, the log brings the same entries again.
    if (index < this.#index) return;
    const ends = index > this.#index;
    if (!ends && statementsDone <= this.#statementsDone) return;
    this.#addPartial(events);
    this.#statementsDone = ends ? 0 : statementsDone;
    if (!ends) return;
    if (this.#partial === undefined) {
      this.#gap(index, timeMs, 'too_large');
      return;
    }
    if (this.#partial.length > 0) this.#entries.push({ index, timeMs, events: this.#partial });
    this.#waitingBytes += this.#partialBytes;
    this.#clearPartial();
    this.#index = index;
    // A batch holds up to a thousand entries, each with as much as an entry may have.
    if (this.#waitingBytes > entryEventBytesMax) this.#store();
  }

  /** Events of one more statement; all together are bounded like those of one. */
  #addPartial(events: readonly ChangeEvent[] | undefined): void {
    for (const event of events ?? []) this.#partialBytes += bytesOf(event);
    const fits = events !== undefined && this.#partialBytes <= entryEventBytesMax;
    if (!fits) this.#partial = undefined;
    else if (events.length > 0) this.#partial = this.#partial?.concat(events);
  }

  #clearPartial(): void {
    this.#partial = [];
    this.#partialBytes = 0;
  }

  /** Changes behind the last entry that is known, up to `index`, are missing. */
  #gap(index: number, timeMs: number, reason: GapReason): void {
    this.#gaps += 1;
    this.#entries.push({ index, timeMs, events: [gapEvent(this.#index + 1, reason)] });
    this.#index = index;
    this.#clearPartial();
    this.#statementsDone = 0;
  }

  /** Something was not as it must be: whatever follows is read from here on. */
  #beginAnew(): void {
    try {
      const { database, log } = this.#options;
      this.#tail = new WalTail(log);
      this.#versions = new PageVersions(database, log);
      this.#reader = this.#skipToEnd();
      const { index, timeMs, statementsDone } = this.#reader.position;
      if (index > this.#index) this.#gap(index, timeMs, 'failed');
      if (statementsDone === 0) return;
      this.#partial = undefined;
      this.#statementsDone = statementsDone;
    } catch (thrown) {
      this.#options.onProblem(thrown);
    }
  }

  #store(): void {
    const { store, generation } = this.#options;
    const position = {
      ...this.#tail.position,
      generation,
      index: this.#index,
      statementsDone: this.#statementsDone,
    };
    const partial = this.#partial ?? [gapEvent(this.#index + 1, 'too_large')];
    try {
      store.append(this.#withLost(), partial, position);
      this.#lostFrom = 0;
    } catch (thrown) {
      this.#options.onProblem(thrown);
      if (this.#lostFrom === 0) this.#lostFrom = this.#entries[0]?.index ?? 0;
    }
    this.#entries = [];
    this.#waitingBytes = 0;
  }

  /** What could not be stored before, as a gap, at the first entry that can. */
  #withLost(): readonly EntryEvents[] {
    const [first, ...rest] = this.#entries;
    if (this.#lostFrom === 0 || first === undefined) return this.#entries;
    const events = [gapEvent(this.#lostFrom, 'failed')];
    invariant(this.#lostFrom <= first.index, 'what is lost lies before what comes');
    return [{ ...first, events }, ...rest];
  }

  /** Before the write-ahead log is written back: what it held is stored for good. */
  secure(): void {
    this.#options.store.sync();
  }
}
