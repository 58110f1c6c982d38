// Large answers that clients have not taken yet. Together they are bounded, and a client that takes
// its answer more slowly than any honest network is cut off: it would hold memory that others need.
import type { ServerResponse } from 'node:http';
import { resultBytesInFlightMax } from '#limits.ts';
import {
  answerBytesPerSecondMin,
  answerGraceMs,
  answerLookMs,
  largeAnswerBytes,
} from './front-limits.ts';

/** Counts large answers until they are sent. */
export class UnsentAnswers {
  readonly #nowMs: () => number;
  readonly #untilMs = new Map<ServerResponse, number>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param nowMs a monotonic clock */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Whether an answer of so many bytes may be held beside those that wait already. */
  fits(bytes: number): boolean {
    return bytes < largeAnswerBytes || this.#bytes + bytes <= resultBytesInFlightMax;
  }

  /** Counts an answer that is about to be sent, until its connection is done with it. */
  hold(response: ServerResponse, bytes: number): void {
    if (bytes < largeAnswerBytes) return;
    this.#bytes += bytes;
    const sendingMs = (bytes / answerBytesPerSecondMin) * 1000;
    this.#untilMs.set(response, this.#nowMs() + answerGraceMs + sendingMs);
    this.#timer ??= setInterval(() => this.#look(), answerLookMs).unref();
    response.once('close', () => {
      this.#bytes -= bytes;
      this.#untilMs.delete(response);
      if (this.#untilMs.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
  }

  #look(): void {
    const now = this.#nowMs();
    for (const [response, untilMs] of this.#untilMs) {
      if (untilMs <= now) response.destroy();
    }
  }
}
