// The requests for data that are under way in this front: who sent them, how far they are, for how
// long. From here one is ended before it is done, and here it shows which were slow.
import type { RunningQuery } from '#http/backend.ts';
import { codedAnswer } from '#http/coded-answer.ts';
import type { DataDone, DataReply, DataRequest } from '#http/data/data-request.ts';
import { runningShownMax } from '#http/front-limits.ts';
import { shownText } from './shown-text.ts';

/** How far a request is: from `proposed` on the node has it, from `forwarded` on the leader. */
export type RunningState = RunningQuery['state'];

/** What came of the wish to end a request. */
export type KillVerdict = 'killed' | 'unknown' | 'proposed' | 'forwarded';

/** A request that took long; for the log. */
export type SlowRequest = Omit<RunningQuery, 'state'>;

/** See {@link RunningRequests}. */
export interface RunningOptions {
  /** A monotonic clock, milliseconds. */
  readonly nowMs: () => number;
  /** From then on a request is slow; 0: none is. */
  readonly slowMs: number;
  /** `"text"` may be a string here. */
  readonly doubleQuotedStrings: boolean;
  /** Ends what runs in readers for a request; whether there was something. */
  readonly cancel: (requestId: string) => boolean;
  readonly onSlow: (slow: SlowRequest) => void;
}

interface Running {
  readonly request: DataRequest;
  readonly startedMs: number;
  readonly done: DataDone;
  state: RunningState;
}

/** All of them, oldest first. */
export class RunningRequests {
  readonly #options: RunningOptions;
  readonly #running = new Map<DataRequest, Running>();
  /** Requests that were slow, and requests that were ended from here. */
  slow = 0;
  killed = 0;

  constructor(options: RunningOptions) {
    this.#options = options;
  }

  /** A request begins; the function that is returned ends it, and passes its reply on once. */
  begin(request: DataRequest, done: DataDone): DataDone {
    const startedMs = this.#options.nowMs();
    const running: Running = { request, startedMs, done, state: 'waiting' };
    this.#running.set(request, running);
    return (reply) => this.#end(running, reply);
  }

  /** A request has come so far; false: it was ended meanwhile, and nothing more is done for it. */
  enter(request: DataRequest, state: RunningState): boolean {
    const running = this.#running.get(request);
    if (running === undefined) return false;
    running.state = state;
    return true;
  }

  /** What is under way, oldest first; no more than so many are shown. */
  list(): readonly RunningQuery[] {
    const shown: RunningQuery[] = [];
    for (const running of this.#running.values()) {
      if (shown.length >= runningShownMax) break;
      shown.push({ ...this.#shown(running), state: running.state });
    }
    return shown;
  }

  /**
   * Ends the requests of an id, as far as that can be done here: what the node or the leader has
   * is not ended, but named.
   */
  kill(id: string): KillVerdict {
    let verdict: KillVerdict = 'unknown';
    for (const running of [...this.#running.values()]) {
      if (running.request.requestId !== id) continue;
      if (running.state === 'proposed' || running.state === 'forwarded') {
        // A load is judged piece by piece between its proposals.
        if (verdict === 'unknown') verdict = running.state;
        continue;
      }
      verdict = 'killed';
      this.#end(running, killedReply(running.request));
    }
    if (this.#options.cancel(id)) verdict = 'killed';
    if (verdict === 'killed') this.killed += 1;
    return verdict;
  }

  #end(running: Running, reply: DataReply): void {
    // Ended before: whatever comes later is nobody's.
    if (!this.#running.delete(running.request)) return;
    const { slowMs, nowMs, onSlow } = this.#options;
    const isSlow = slowMs > 0 && nowMs() - running.startedMs >= slowMs;
    // The leader tells of those that it ran.
    if (isSlow && running.state !== 'forwarded' && running.request.kind !== 'load-step') {
      this.slow += 1;
      onSlow(this.#shown(running));
    }
    running.done(reply);
  }

  #shown({ request, startedMs }: Running): SlowRequest {
    const { doubleQuotedStrings, nowMs } = this.#options;
    return {
      id: request.requestId,
      user: request.user,
      address: request.clientAddress,
      kind: request.kind,
      text: shownText(request.texts[0] ?? '', doubleQuotedStrings),
      statements: request.statements.length,
      ms: Math.round(nowMs() - startedMs),
    };
  }
}

const killedReply = ({ kind }: DataRequest): DataReply => ({
  kind: 'error',
  answer: codedAnswer('killed', killedMessage, kind === 'query' ? undefined : 'no'),
});

/** For whoever sent a request that was ended. */
export const killedMessage =
  'Somebody who may (permission kill) ended this request; ask them before you send it again';
