// What a node does about a disk that fills up: says it loudly, refuses writes, holds its log, gives
// up leadership, frees the reserve; and takes everything back when there is room again.
import type { FileSystem } from '#io/file-system.ts';
import type { DurableLog } from '#log/durable-log.ts';
import type { Logger } from '#node/logger.ts';
import { handOverEveryMs, lookEveryMs } from './bounds.ts';
import { type DiskState, DiskWatch } from './disk-watch.ts';
import { ReserveFile, reserveBytesOf } from './reserve-file.ts';

/** What the guard works with. */
export interface DiskGuardOptions {
  readonly files: FileSystem;
  readonly folder: string;
  readonly log: Logger;
  readonly raftLog: Pick<DurableLog, 'hold'>;
  /** Asks another node to lead, if this one does. */
  readonly giveUpLeadership: () => void;
}

const words: Readonly<Record<DiskState['level'], string>> = {
  ample: 'the disk has room again: writes are taken',
  low: 'the disk is nearly full: new writes are refused until there is room',
  critical: 'the disk is full but for a rest: this node appends nothing and does not lead',
};

/** Watches the disk of one node. */
export class DiskGuard {
  readonly #options: DiskGuardOptions;
  readonly #watch: DiskWatch;
  readonly #reserve: ReserveFile;
  #timer: NodeJS.Timeout | undefined;
  #filler: NodeJS.Immediate | undefined;
  /** Looks since a hand-over was tried last. */
  #looksSinceHandOver = 0;

  /** Looks once; what is to be done about it is done by `start`. */
  constructor(options: DiskGuardOptions) {
    this.#options = options;
    this.#watch = new DiskWatch(options.files, options.folder);
    this.#reserve = new ReserveFile(options.files, options.folder);
  }

  /** What the last look saw. */
  get state(): DiskState {
    return this.#watch.state;
  }

  /** Bytes of the reserve. */
  get reserveBytes(): number {
    return this.#reserve.bytes;
  }

  /** Begins to look; what the first look saw is acted on at once. */
  start(): void {
    this.#act();
    this.#timer = setInterval(() => this.look(), lookEveryMs);
  }

  /** Looks now. */
  look(): void {
    if (this.#watch.look()) this.#act();
    const { level } = this.#watch.state;
    if (level !== 'critical') return;
    this.#releaseWhenNothingIsLeft();
    this.#looksSinceHandOver += 1;
    if (this.#looksSinceHandOver * lookEveryMs >= handOverEveryMs) this.#handOver();
  }

  /** Looks no more. */
  stop(): void {
    clearInterval(this.#timer);
    clearImmediate(this.#filler);
    this.#reserve.close();
  }

  #act(): void {
    const { level, freeBytes, totalBytes } = this.#watch.state;
    const { log, raftLog } = this.#options;
    if (level === 'ample') {
      if (this.#timer !== undefined) log.warn({ freeBytes, totalBytes }, words.ample);
    } else log.error({ freeBytes, totalBytes, level }, words[level]);
    raftLog.hold(level === 'critical');
    if (level === 'critical') this.#handOver();
    if (level === 'ample') this.#fill();
  }

  #handOver(): void {
    this.#looksSinceHandOver = 0;
    this.#options.giveUpLeadership();
  }

  #releaseWhenNothingIsLeft(): void {
    const { freeBytes } = this.#watch.state;
    if (freeBytes >= reserveBytesOf(this.#watch.state) || !this.#reserve.release()) return;
    this.#options.log.error(
      'the reserve on the disk was freed; it is made anew when there is room',
    );
  }

  /** Makes the reserve, a piece a turn. */
  #fill(): void {
    clearImmediate(this.#filler);
    this.#filler = setImmediate(() => {
      if (this.#watch.state.level !== 'ample') return;
      try {
        if (this.#reserve.fillPiece(this.#watch.state)) this.#fill();
      } catch (error) {
        this.#reserve.release();
        this.#options.log.warn({ error }, 'the reserve on the disk could not be made');
      }
    });
  }
}

/** Before anything is opened: on a disk without any room the reserve is what a start lives on. */
export const freeReserveForStart = (files: FileSystem, folder: string): boolean => {
  const space = files.space(folder);
  if (space.freeBytes >= reserveBytesOf(space)) return false;
  return new ReserveFile(files, folder).release();
};
