// The node's fronts: as many as the cores ask for, started with the same settings, told how the
// node stands, replaced when one ends. What they ask is answered by the handlers the node gives.

import { CodedError } from '#errors.ts';
import type { RunningQuery, UsersReply } from '#http/backend.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import type { KillVerdict } from '#http/running/running-requests.ts';
import { invariant } from '#invariant.ts';
import type { Child } from '#process/child.ts';
import type { Seam, SeamEvent } from '#process/seam.ts';
import { closingOnFailure } from './closing-on-failure.ts';
import { type FrontProcess, type FrontTold, startFrontProcess } from './front-process.ts';
import type { ListeningHandle } from './listening-handle.ts';
import type { Logger } from './logger.ts';
import { type FrontStart, sampleFront, serveForwarded, type ViewPush } from './seams/front-seam.ts';
import { frontQueries, killInFront } from './seams/queries-seam.ts';

const restartPauseMs = 200;
/** How fronts are run. */
export interface FrontsOptions extends FrontTold {
  readonly start: Omit<FrontStart, 'authText'>;
  /** The text of the auth file that is in force. */
  readonly authText: () => string;
  /** The processes of the first ones, one for each front; they are ended when a start fails. */
  readonly children: readonly Child[];
  readonly handle: ListeningHandle;
  readonly log: Logger;
  /** Attaches the node's methods to a new front's seam. */
  readonly onSeam: (seam: Seam) => void;
  readonly onBatchEnd: () => void;
}

/** All fronts of a node. */
export class Fronts {
  readonly #options: FrontsOptions;
  readonly #running: (FrontProcess | undefined)[];
  #next = 0;
  #stopped = false;
  /** How often a front was lost since the start. */
  restarts = 0;

  private constructor(options: FrontsOptions) {
    this.#options = options;
    this.#running = Array.from({ length: options.children.length }, () => undefined);
  }

  /** @throws CodedError when a front cannot start: its settings, certificates or address */
  static async start(options: FrontsOptions): Promise<Fronts> {
    const fronts = new Fronts(options);
    await closingOnFailure(
      () => fronts.stop(0),
      async () => {
        await Promise.all(options.children.map((child, slot) => fronts.#startSlot(slot, child)));
      },
    );
    return fronts;
  }

  /** Process ids of the running fronts. */
  get pids(): readonly number[] {
    return this.#running.flatMap((front) => (front === undefined ? [] : [front.pid]));
  }

  /** Tells all fronts how the node stands. */
  push(view: ViewPush): void {
    for (const front of this.#running) front?.push(view);
  }

  /** Tells all fronts something of what they were told before they started. */
  tell<Value>(event: SeamEvent<Value>, value: Value): void {
    for (const front of this.#running) front?.seam.notify(event, value);
  }

  /**
   * Answers what a follower forwarded, through one of the fronts; `done` undefined: none is there.
   */
  serveForwarded(request: Uint8Array, done: (reply: Uint8Array | undefined) => void): void {
    const running = this.#running.filter((front) => front !== undefined);
    const front = running[this.#next % Math.max(1, running.length)];
    this.#next += 1;
    if (front === undefined) {
      done(undefined);
      return;
    }
    front.seam.call(serveForwarded, request, (answer) => {
      done(answer.kind === 'reply' ? answer.reply : undefined);
    });
  }

  /**
   * Gives all fronts the users of a text, or none: they are of one version and one configuration,
   * so what the first one takes, all take.
   */
  async replaceUsers(text: string): Promise<UsersReply> {
    const [first, ...others] = this.#running.filter((front) => front !== undefined);
    if (first === undefined) throw new CodedError('not_ready', 'no front runs at the moment');
    const reply = await first.replaceUsers(text);
    if (reply.kind === 'kept') return reply;
    // One that is lost meanwhile starts anew, with the text in force by then.
    const replies = await Promise.all(
      others.map((front) => front.replaceUsers(text).catch(() => undefined)),
    );
    const cut = replies.map((other) => (other?.kind === 'reloaded' ? other.cutOff : 0));
    return { ...reply, cutOff: cut.reduce((sum, count) => sum + count, reply.cutOff) };
  }

  /** Reads certificates anew in every front; what each reports. */
  async reload(): Promise<readonly string[]> {
    const running = this.#running.filter((front) => front !== undefined);
    return Promise.all(running.map((front) => front.reload()));
  }

  /** What each running front has counted; one that ends meanwhile is left out. */
  async samples(): Promise<readonly (readonly Sample[])[]> {
    const running = this.#running.filter((front) => front !== undefined);
    const asked = running.map(({ seam }) => seam.ask(sampleFront, undefined).catch(() => []));
    return Promise.all(asked);
  }

  /** What all running fronts have under way; one that ends meanwhile is left out. */
  async queries(): Promise<readonly RunningQuery[]> {
    const running = this.#running.filter((front) => front !== undefined);
    const asked = running.map(({ seam }) => seam.ask(frontQueries, undefined).catch(() => []));
    return (await Promise.all(asked)).flat();
  }

  /** Ends a request, whichever front has it; what each said. */
  async kill(id: string): Promise<readonly KillVerdict[]> {
    const running = this.#running.filter((front) => front !== undefined);
    return Promise.all(
      running.map(({ seam }) => seam.ask(killInFront, { id }).catch(() => 'unknown' as const)),
    );
  }

  /** Drains and ends all fronts. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    const running = this.#running.filter((front) => front !== undefined);
    await Promise.all(running.map((front) => front.stop(graceMs)));
  }

  async #startSlot(slot: number, child?: Child): Promise<void> {
    invariant(slot < this.#running.length, 'a front has a slot');
    const { start, authText, handle, onSeam, onBatchEnd } = this.#options;
    const text = authText();
    const front = await startFrontProcess(
      { ...start, authText: text },
      handle,
      this.#options,
      {
        onSeam,
        onBatchEnd,
        onLost: () => {
          this.#running[slot] = undefined;
          this.restarts += 1;
          this.#options.log.error('a front ended; it is started again');
          this.#restartLater(slot);
        },
      },
      child,
    );
    this.#running[slot] = front;
    // A reload while it started went past it.
    if (authText() !== text) await front.replaceUsers(authText());
  }

  #restartLater(slot: number): void {
    setTimeout(() => {
      if (this.#stopped) return;
      this.#startSlot(slot).catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'a front cannot be started');
        this.#restartLater(slot);
      });
    }, restartPauseMs);
  }
}
