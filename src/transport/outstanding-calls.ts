// The calls of one connection that wait for their reply. Each ends exactly once: by its reply, by
// its deadline or by the end of the connection. Has no timer of its own; `expire` is called from
// outside.
import { outstandingCallsMax } from './bounds.ts';
import type { ReplyFrame } from './call-codec.ts';
import type { CallReply } from './transport.ts';

/** How a caller hears the end of its call. */
export type CallDone = (reply: CallReply) => void;

interface Outstanding {
  readonly done: CallDone;
  readonly deadlineMs: number;
  /** The link's write count when the call was queued: at a higher one it has left. */
  readonly queuedAtFlush: number;
}

/** Calls by number. */
export class OutstandingCalls {
  readonly #calls = new Map<number, Outstanding>();
  #lastId = 0;

  /** How many wait. */
  get size(): number {
    return this.#calls.size;
  }

  /** Whether one more may be asked. */
  get full(): boolean {
    return this.#calls.size >= outstandingCallsMax;
  }

  /** Notes a call and gives it its number. */
  add(done: CallDone, deadlineMs: number, queuedAtFlush: number): number {
    this.#lastId += 1;
    this.#calls.set(this.#lastId, { done, deadlineMs, queuedAtFlush });
    return this.#lastId;
  }

  /** Ends the call that a reply belongs to; a reply that came too late belongs to none. */
  settle(reply: ReplyFrame): void {
    const call = this.#calls.get(reply.id);
    if (call === undefined) return;
    this.#calls.delete(reply.id);
    call.done(callReplyOf(reply));
  }

  /** Ends what is past its deadline. */
  expire(nowMs: number, flushes: number): void {
    this.#fail('no reply in time', flushes, (call) => call.deadlineMs <= nowMs);
  }

  /** Ends all: no reply will come any more. */
  failAll(reason: string, flushes: number): void {
    this.#fail(reason, flushes, () => true);
  }

  #fail(reason: string, flushes: number, chosen: (call: Outstanding) => boolean): void {
    for (const [id, call] of this.#calls) {
      if (!chosen(call)) continue;
      this.#calls.delete(id);
      call.done({ kind: 'failed', reason, sent: flushes > call.queuedAtFlush });
    }
  }
}

const callReplyOf = (reply: ReplyFrame): CallReply => {
  switch (reply.outcome) {
    case 'ok':
      return { kind: 'reply', payload: reply.payload };
    case 'busy':
      return { kind: 'failed', reason: 'the peer has too many calls open', sent: false };
    case 'too-large':
      return { kind: 'failed', reason: 'the reply is larger than a frame', sent: true };
  }
};
