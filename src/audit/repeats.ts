// Many of the same become one line with a number: whoever floods a server with wrong passwords must
// not fill the audit log with them and so push out what came before. The first is kept at once.
import type { AuditEvent } from './audit-event.ts';

/** How long after a line its like are counted instead of written. */
const windowMs = 10_000;
/** Different ones that are counted at once; beyond it the oldest is written. */
const keysMax = 10_000;

interface Repeated {
  readonly event: AuditEvent;
  readonly sinceMs: number;
  count: number;
}

/** Counts what comes again. */
export class Repeats {
  readonly #nowMs: () => number;
  readonly #write: (event: AuditEvent) => void;
  readonly #seen = new Map<string, Repeated>();

  /** @param nowMs a monotonic clock */
  constructor(nowMs: () => number, write: (event: AuditEvent) => void) {
    this.#nowMs = nowMs;
    this.#write = write;
  }

  /** Writes the first of a key at once and counts those that follow. */
  add(key: string, event: AuditEvent): void {
    const seen = this.#seen.get(key);
    if (seen !== undefined) {
      seen.count += 1;
      return;
    }
    this.#seen.set(key, { event, sinceMs: this.#nowMs(), count: 0 });
    this.#write(event);
    if (this.#seen.size <= keysMax) return;
    const [oldest] = this.#seen;
    if (oldest !== undefined) this.#end(oldest[0], oldest[1]);
  }

  /** Writes what was counted long enough; called now and then. */
  flush(all = false): void {
    const now = this.#nowMs();
    for (const [key, seen] of this.#seen) {
      if (!all && now - seen.sinceMs < windowMs) return;
      this.#end(key, seen);
    }
  }

  #end(key: string, { event, count }: Repeated): void {
    this.#seen.delete(key);
    if (count === 0) return;
    const { requestId: _first, ...common } = event;
    this.#write({ ...common, repeated: count });
  }
}
