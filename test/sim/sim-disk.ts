// The disk of a simulated node: the project's own log, with its recovery, over a simulated file
// system that loses what was not synced. Beside it a list in memory says what the log must hold;
// whatever a recovery comes to is compared with it, to the byte.
import { InvariantError } from '#invariant.ts';
import type { Random as Bytes } from '#io/random.ts';
import { appendRecords } from '#log/append-records.ts';
import type { RecoveredLog } from '#log/durable-log.ts';
import { encodeBatch, type LogRecord } from '#log/log-record.ts';
import { LogState } from '#log/log-state.ts';
import { pendingEntries } from '#log/pending-entries.ts';
import { SegmentedLog } from '#log/segmented-log.ts';
import type { Entry } from '#raft/entry.ts';
import { indexAfter, type LogIndex } from '#raft/log-index.ts';
import { PowerCut, type SimulatedDisk } from '../log/simulated-disk.ts';
import {
  copyOf,
  createMemoryDisk,
  type DiskBatch,
  type DiskContents,
  lastIndexOf,
  type MemoryDisk,
  type NodeDisk,
  termOn,
} from '../raft/memory-disk.ts';
import type { Random } from '../raft/random.ts';
import { SimulationFailure } from './checks.ts';
import type { EntryRegistry } from './entry-registry.ts';

/** What all disks of a run share. */
export interface DiskOptions {
  readonly segmentBytes: number;
  readonly recentBytesMax: number;
  readonly random: Random;
  readonly registry: EntryRegistry;
  readonly now: () => number;
}

interface Pending {
  readonly batch: DiskBatch;
  readonly records: readonly LogRecord[];
}

/** How a program ended. */
export interface DiskCrash {
  /** Writes that reach the disk although nobody was told. */
  readonly kept: number;
  /** The machine went down with it: what was only written may be gone in any part. */
  readonly isPowerCut: boolean;
}

/** What a crash came to. */
export interface CrashedDisk {
  readonly next: SimDisk;
  /** The power went, or the disk failed, in the middle of a write. */
  readonly isTorn: boolean;
  /** Something that was written is gone. */
  readonly hasLost: boolean;
}

const folder = '/raft';

/** Operations of the disk after which the power goes in the middle of a write, or of a start. */
const operationsMax = 8;

const bytesOf = ({ below }: Random): Bytes => ({
  below,
  bytes: (length) => Uint8Array.from({ length }, () => below(256)),
});

/** An open log and what it must hold; one for each life of a node's program. */
export class SimDisk implements NodeDisk {
  readonly files: SimulatedDisk;
  readonly recovered: RecoveredLog;
  readonly #options: DiskOptions;
  readonly #log: SegmentedLog;
  readonly #state: LogState;
  readonly #model: MemoryDisk;
  #pending: Pending[] = [];
  /** Batches of a write whose sync failed: nobody knows whether they are there. */
  #doubtful = 0;

  /** Opens the log of a disk. */
  constructor(files: SimulatedDisk, options: DiskOptions) {
    this.files = files;
    this.#options = options;
    const { segmentBytes, recentBytesMax, random, registry, now } = options;
    this.#log = new SegmentedLog(
      { folder, segmentBytes, recentBytesMax },
      { files, random: bytesOf(random), clock: { monotonicMs: now, wallMs: now } },
    );
    const { recovered } = this.#log;
    const known = (entries: readonly Entry[]): readonly Entry[] =>
      entries.map((entry) => registry.canonical(entry));
    this.recovered = {
      ...recovered,
      recentEntries: known(recovered.recentEntries),
      configurationEntries: known(recovered.configurationEntries),
    };
    this.#state = LogState.of(recovered);
    this.#model = createMemoryDisk(this.#contents());
  }

  get durable(): DiskContents {
    return this.#model.durable;
  }

  get written(): DiskContents {
    return this.#model.written;
  }

  get unsynced(): readonly DiskBatch[] {
    return this.#model.unsynced;
  }

  write(batch: DiskBatch): void {
    const entries = batch.entries.map((entry) => this.#options.registry.canonical(entry));
    const same = { ...batch, entries };
    this.#pending.push({ batch: same, records: appendRecords(same, this.#state) });
    this.#model.write(same);
  }

  /** The oldest batches go to the disk as one. Errors are the disk's. */
  syncNext(count = 1): number | undefined {
    const some = this.#pending.slice(0, count);
    if (some.length === 0) return undefined;
    this.#doubtful = some.length;
    this.#log.append(encodeBatch(some.flatMap(({ records }) => records)));
    return this.#settled(some.length);
  }

  /** The disk had no room for what was to be synced: nothing of it is there. */
  refusedForRoom(): void {
    this.#doubtful = 0;
  }

  trim(index: LogIndex): void {
    this.#log.trim(index);
    this.#model.trim(index);
  }

  /** What the log does when it has nothing else to do. */
  idle(): void {
    this.#log.prepare();
  }

  read(from: LogIndex, bytesMax: number): readonly Entry[] {
    const appends = this.#pending.map(({ batch }) => batch);
    const found = pendingEntries(appends, from, bytesMax);
    const entries =
      found.kind === 'entries'
        ? found.entries
        : this.#log.read(from, bytesMax).filter(({ index }) => index < found.below);
    return entries.map((entry) => this.#checked(entry));
  }

  /** The disk that the next start finds, with its log recovered. */
  afterCrash({ kept, isPowerCut }: DiskCrash): CrashedDisk {
    const written = copyOf(this.written);
    const possible = this.#lastWrites(kept);
    const random = bytesOf(this.#options.random);
    let files = isPowerCut ? this.files.cutPower(random) : this.files.crash();
    files.roomBytes = Number.POSITIVE_INFINITY;
    for (;;) {
      // The power may go during the start too, but not for ever.
      const { chance, below } = this.#options.random;
      files.operationsLeft = isPowerCut && chance(0.2) ? below(operationsMax) : undefined;
      try {
        const next = new SimDisk(files, this.#options);
        files.operationsLeft = undefined;
        next.#mustBeOneOf(possible);
        const isTorn = possible.length > 1;
        return { next, isTorn, hasLost: !isSame(next.durable, written) };
      } catch (error) {
        if (!(error instanceof PowerCut)) throw failureOf(error);
        files = files.cutPower(random);
      }
    }
  }

  /** Takes the last writes, one of them perhaps in part; what the log may hold afterwards. */
  #lastWrites(kept: number): readonly DiskContents[] {
    if (this.#doubtful > 0) return this.#withAndWithout(this.#doubtful);
    this.syncNext(kept);
    const { chance, below } = this.#options.random;
    if (this.#pending.length === 0 || chance(0.3)) return [this.durable];
    const count = 1 + below(Math.min(3, this.#pending.length));
    this.files.operationsLeft = below(operationsMax);
    try {
      this.syncNext(count);
      return [this.durable];
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      return this.#withAndWithout(count);
    } finally {
      this.files.operationsLeft = undefined;
    }
  }

  /** A batch is durable as a whole or not at all. */
  #withAndWithout(count: number): readonly DiskContents[] {
    const without = copyOf(this.durable);
    this.#model.syncNext(count);
    return [without, this.durable];
  }

  #settled(count: number): number | undefined {
    this.#doubtful = 0;
    this.#pending = this.#pending.slice(count);
    return this.#model.syncNext(count);
  }

  #mustBeOneOf(possible: readonly DiskContents[]): void {
    if (possible.some((contents) => isSame(this.durable, contents))) return;
    throw new SimulationFailure(
      `the log came back as ${describe(this.durable)}, and not as ${possible.map(describe).join(' or ')}`,
    );
  }

  /** An entry that was read must be the one that was written. */
  #checked(entry: Entry): Entry {
    const known = this.#options.registry.canonical(entry);
    if (termOn(this.written, entry.index) === known.term) return known;
    throw new SimulationFailure(
      `the log reads ${entry.index}/${entry.term}, which it must not hold`,
    );
  }

  #contents(): DiskContents {
    const { hardState, trimmedIndex, trimmedTerm, lastIndex } = this.recovered;
    const first = indexAfter(trimmedIndex);
    const entries =
      lastIndex === trimmedIndex ? [] : this.#log.read(first, Number.POSITIVE_INFINITY);
    const known = entries.map((entry) => this.#options.registry.canonical(entry));
    return { hardState, trimmedIndex, trimmedTerm, entries: known };
  }
}

/** Any refusal to start is a failure: nothing that the disk does here may damage a log. */
const failureOf = (error: unknown): unknown =>
  error instanceof SimulationFailure || error instanceof InvariantError
    ? error
    : new SimulationFailure(`the log does not open: ${String(error)}`);

/** Trims remove whole segments only, so more may be there in front. */
const isSame = (found: DiskContents, expected: DiskContents): boolean => {
  const { hardState } = found;
  return (
    hardState.term === expected.hardState.term &&
    hardState.votedFor === expected.hardState.votedFor &&
    hardState.commitIndex === expected.hardState.commitIndex &&
    found.trimmedIndex <= expected.trimmedIndex &&
    lastIndexOf(found) === lastIndexOf(expected) &&
    termOn(found, expected.trimmedIndex) === expected.trimmedTerm &&
    found.entries
      .slice(expected.trimmedIndex - found.trimmedIndex)
      .every((entry, position) => entry === expected.entries[position])
  );
};

const describe = (contents: DiskContents): string => {
  const { term, votedFor, commitIndex } = contents.hardState;
  const terms = contents.entries.map((entry) => entry.term).join(' ');
  return `(${term}/${votedFor}/${commitIndex}, behind ${contents.trimmedIndex}: ${terms})`;
};
