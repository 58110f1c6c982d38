// Posting captured changes, seen from the node: on the leader only, by a process of its own. What
// the receiver has taken (the high-water mark) is told to all members over their links, so that
// the next leader goes on there; a mark counts from the present leader only.
import { fileURLToPath } from 'node:url';
import type { Sample } from '#http/metrics/exposition.ts';
import { isNodeName, type NodeName } from '#identity/node-name.ts';
import { frameBytesMax } from '#limits.ts';
import type { Alarms } from '#node/alarms.ts';
import { letGo } from '#node/let-go.ts';
import type { Logger } from '#node/logger.ts';
import { peerCalls } from '#node/peer-calls.ts';
import { type SenderState, senderState, startSender } from '#node/seams/sender-seam.ts';
import { spawnChild } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import type { Transport } from '#transport/transport.ts';
import { failuresBeforeAlarm, restartPauseMs, senderGraceMs } from './bounds.ts';
import type { WebhookSettings } from './webhook-settings.ts';

/** What it needs of the node. */
export interface WebhookOptions {
  readonly folder: string;
  readonly self: NodeName;
  /** Undefined: marks are only kept, for the day on which something is posted from here. */
  readonly webhook: WebhookSettings | undefined;
  readonly alarms: Pick<Alarms, 'raise' | 'clear'>;
  readonly log: Logger;
  /** Whether this node leads and its data may be trusted. */
  readonly mayRun: () => boolean;
  /** The leader's name, as this node knows it. */
  readonly leader: () => string | undefined;
  readonly memberNames: () => readonly string[];
  readonly transport: () => Pick<Transport, 'call' | 'isUp'>;
  readonly appliedIndex: () => number;
  /** Keeps a mark in the store of changes. */
  readonly keep: (highWater: number) => void;
  readonly monotonicMs: () => number;
}

/** A mark is told again at the next turn: nobody waits for an answer. */
const tellMs = 1000;
/** A mark between nodes: the index, little-endian. */
const markBytes = 8;

interface RunningSender {
  readonly release: () => void;
}

/** See the head of this file. */
export class Webhook {
  readonly #options: WebhookOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  #sender: RunningSender | undefined;
  #restartMs = 0;
  #highWater = 0;
  #state: SenderState | undefined;
  /** Of senders that are gone. */
  readonly #before = { requests: 0, events: 0, failures: 0 };

  constructor(options: WebhookOptions) {
    this.#options = options;
    if (options.webhook === undefined) return;
    this.#timer = setInterval(() => this.#look(), options.webhook.highWatermarkIntervalMs);
  }

  /** A peer's call; false when it is another one. Only the leader's mark counts. */
  answer(
    from: NodeName,
    method: number,
    payload: Buffer,
    reply: (payload: Uint8Array) => void,
  ): boolean {
    if (method !== peerCalls.changesSent) return false;
    const index = payload.length === markBytes ? Number(payload.readBigUInt64LE()) : 0;
    if (from === this.#options.leader() && index <= this.#options.appliedIndex()) {
      this.#move(index);
    }
    reply(Buffer.alloc(0));
    return true;
  }

  /** For `/status`; undefined: nothing is posted from here. No secret is in it. */
  status(): Record<string, unknown> | undefined {
    const { webhook } = this.#options;
    if (webhook === undefined) return undefined;
    const { origin } = new URL(webhook.endpoint);
    return {
      endpoint: origin,
      sending: this.#sender !== undefined,
      high_water_mark: this.#highWater,
      ...this.#totals(),
      problem: this.#state?.problem ?? '',
    };
  }

  /** For `/metrics`. */
  samples(): readonly Sample[] {
    if (this.#options.webhook === undefined) return [];
    const { requests, events, failures } = this.#totals();
    const leads = this.#sender !== undefined;
    const behind = Math.max(0, this.#options.appliedIndex() - this.#highWater);
    const values = {
      stockade_cdc_high_water_index: this.#highWater,
      ...(leads ? { stockade_cdc_lag_entries: behind } : {}),
      stockade_cdc_requests_total: requests,
      stockade_cdc_events_total: events,
      stockade_cdc_failures_total: failures,
    };
    return Object.entries(values).map(([name, value]) => ({ name, labels: {}, value }));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#end();
  }

  #totals(): { readonly requests: number; readonly events: number; readonly failures: number } {
    const { requests = 0, events = 0 } = this.#state?.sent ?? {};
    return {
      requests: this.#before.requests + requests,
      events: this.#before.events + events,
      failures: this.#before.failures + (this.#state?.failures ?? 0),
    };
  }

  #look(): void {
    if (!this.#options.mayRun()) {
      this.#end();
      return;
    }
    if (this.#sender === undefined && this.#options.monotonicMs() >= this.#restartMs) this.#begin();
    if (this.#highWater > 0) this.#tell();
  }

  #tell(): void {
    const { self, memberNames, transport } = this.#options;
    const payload = Buffer.alloc(markBytes);
    payload.writeBigUInt64LE(BigInt(this.#highWater));
    const links = transport();
    for (const name of memberNames()) {
      if (name === self || !isNodeName(name) || !links.isUp(name)) continue;
      links.call(name, peerCalls.changesSent, payload, tellMs, () => undefined);
    }
  }

  #move(index: number): void {
    if (index <= this.#highWater) return;
    this.#highWater = index;
    this.#options.keep(index);
  }

  #begin(): void {
    const { folder, self, webhook, log } = this.#options;
    if (webhook === undefined) return;
    const child = spawnChild({
      file: fileURLToPath(new URL('./sender-main.ts', import.meta.url)),
      execArguments: ['--max-semi-space-size=2'],
      title: 'stockade-cdc',
      takesHandle: false,
      shellLimits: 'ulimit -c 0',
    });
    const seam = new Seam(child.stream, {
      frameBytesMax,
      onClose: () => {
        if (this.#sender !== sender) return;
        log.error('the process that posts changes ended; it is started again');
        this.#restartMs = this.#options.monotonicMs() + restartPauseMs;
        this.#forget();
      },
    });
    const sender = { release: letGo(child, seam, senderGraceMs) };
    this.#sender = sender;
    seam.hear(senderState, (state) => {
      if (this.#sender === sender) this.#heard(state);
    });
    seam.call(startSender, { folder, node: self, webhook }, (answer) => {
      if (this.#sender !== sender || answer.kind === 'gone' || answer.reply.error === '') return;
      this.#options.alarms.raise('cdc_failed', `changes are not posted: ${answer.reply.error}`);
      this.#restartMs = this.#options.monotonicMs() + restartPauseMs;
      this.#forget();
      sender.release();
    });
  }

  #heard(state: SenderState): void {
    const { alarms } = this.#options;
    this.#state = state;
    this.#move(state.highWater);
    if (state.problem === '') alarms.clear('cdc_failed');
    else if (state.failuresInRow >= failuresBeforeAlarm) {
      alarms.raise('cdc_failed', `changes cannot be posted: ${state.problem}; see docs/CDC.md`);
    }
  }

  /** It is gone or on its way out: what it counted is kept. */
  #forget(): void {
    const totals = this.#totals();
    Object.assign(this.#before, totals);
    this.#state = undefined;
    this.#sender = undefined;
  }

  #end(): void {
    const sender = this.#sender;
    if (sender === undefined) return;
    this.#forget();
    this.#options.alarms.clear('cdc_failed');
    sender.release();
  }
}
