// Posts captured changes, in order, until the receiver has taken each: at least once. What the
// receiver has taken is remembered elsewhere, so that whoever goes on begins behind it.
import type { ChangesFound, ReadEntry, ReadEvent } from '#db/changes/read-changes.ts';
import { jsonString } from '#db/json-text.ts';
import type { SenderState } from '#node/seams/sender-seam.ts';
import { aheadBytesMax } from './bounds.ts';
import type { WebhookSettings } from './webhook-settings.ts';

/** What a sender works with. */
export interface SenderOptions {
  readonly node: string;
  readonly settings: WebhookSettings;
  /** What was taken already, as far as this node knows; 0: nothing. */
  readonly highWater: number;
  /** Undefined: nothing is captured yet. */
  readonly read: (after: number, bytesMax: number) => ChangesFound | undefined;
  /** Why the receiver has not taken it; undefined: it has. */
  readonly post: (body: Buffer) => Promise<string | undefined>;
  readonly wait: (ms: number) => Promise<void>;
  readonly onState: (state: SenderState) => void;
  /** Nothing more is begun once it is aborted. */
  readonly signal: AbortSignal;
}

/** See the head of this file. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #filter: RegExp;
  #state: SenderState;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#filter = new RegExp(options.settings.tableFilter, 'u');
    const sent = { requests: 0, events: 0 };
    const { highWater } = options;
    this.#state = { highWater, sent, failures: 0, failuresInRow: 0, problem: '' };
  }

  /** Posts until it is given up. */
  async run(): Promise<void> {
    const { signal, read, wait, settings } = this.#options;
    while (!signal.aborted) {
      const found = read(this.#state.highWater, aheadBytesMax);
      if (found === undefined || found.through <= this.#state.highWater) {
        await wait(settings.maxBatchDelayMs);
        continue;
      }
      await this.#sendAll(this.#wanted(found));
      if (!signal.aborted) this.#moveTo(found.through);
      // What comes together is posted together.
      if (found.entries.length < settings.maxBatchSize) await wait(settings.maxBatchDelayMs);
    }
  }

  /** Entries with what the receiver wants of them, a hole in front of them told. */
  #wanted({ entries, droppedIndex }: ChangesFound): readonly ReadEntry[] {
    const wanted = entries
      .map((entry) => ({
        ...entry,
        events: entry.events.filter(({ table }) => table === '' || this.#filter.test(table)),
      }))
      .filter(({ events }) => events.length > 0);
    const { highWater } = this.#state;
    // Before anything was ever sent there is no stream that could have a hole.
    if (highWater === 0 || highWater >= droppedIndex) return wanted;
    const head = `"op":"GAP","from":${highWater + 1},"error":"dropped"`;
    const gap = { index: droppedIndex, timeMs: 0, events: [{ table: '', head, images: '' }] };
    return [gap, ...wanted];
  }

  async #sendAll(entries: readonly ReadEntry[]): Promise<void> {
    const { signal, settings } = this.#options;
    for (let at = 0; at < entries.length && !signal.aborted; at += settings.maxBatchSize) {
      const batch = entries.slice(at, at + settings.maxBatchSize);
      if (!(await this.#sendSurely(this.#bodyOf(batch)))) return;
      const events = batch.reduce((sum, entry) => sum + entry.events.length, 0);
      const { requests, events: before } = this.#state.sent;
      this.#update({ sent: { requests: requests + 1, events: before + events } });
      this.#moveTo(batch.at(-1)?.index ?? 0);
    }
  }

  /** However often it takes; false when it was given up. */
  async #sendSurely(body: Buffer): Promise<boolean> {
    const { signal, post, wait } = this.#options;
    while (!signal.aborted) {
      const problem = await post(body);
      if (problem === undefined) {
        if (this.#state.problem !== '') this.#update({ problem: '', failuresInRow: 0 });
        return true;
      }
      const failuresInRow = this.#state.failuresInRow + 1;
      this.#update({ problem, failuresInRow, failures: this.#state.failures + 1 });
      await wait(this.#pauseMs(failuresInRow));
    }
    return false;
  }

  #pauseMs(failuresInRow: number): number {
    const { policy, minBackoffMs, maxBackoffMs } = this.#options.settings.retry;
    const doublings = policy === 'exponential' ? Math.min(failuresInRow - 1, 30) : 0;
    return Math.min(minBackoffMs * 2 ** doublings, maxBackoffMs);
  }

  #bodyOf(entries: readonly ReadEntry[]): Buffer {
    const { node, settings } = this.#options;
    const service =
      settings.serviceId === '' ? '' : `"service_id":${jsonString(settings.serviceId)},`;
    const payload = entries.map(({ index, timeMs, events }) => {
      const time = timeMs === 0 ? '' : `"commit_timestamp":${timeMs},`;
      return `{"index":${index},${time}"events":[${events.map((event) => this.#textOf(event)).join(',')}]}`;
    });
    return Buffer.from(
      `{${service}"node_id":${jsonString(node)},"payload":[${payload.join(',')}]}`,
    );
  }

  #textOf({ head, images }: ReadEvent): string {
    return `{${head}${this.#options.settings.rowIdsOnly ? '' : images}}`;
  }

  #moveTo(highWater: number): void {
    if (highWater > this.#state.highWater) this.#update({ highWater });
  }

  #update(change: Partial<SenderState>): void {
    this.#state = { ...this.#state, ...change };
    this.#options.onState(this.#state);
  }
}
