// How long a dialler waits before it dials again: not at all after a connection that lasted or that
// this node cut itself, then longer each time. A peer that takes connections only to end them is
// never dialled in a tight loop.
import { redialFirstMs, redialMaxMs } from './bounds.ts';

/** See the head of this file; one for each dialler. */
export class RedialWait {
  #failures = 0;

  /**
   * A connection ended that had been ready for so long (milliseconds). `cut`: this node's own sweep
   * ended it. There is one sweep a change, and what it cut is judged anew in the next handshake, so
   * that a peer cannot make one happen.
   */
  ended(readyForMs: number, cut: boolean): void {
    if (cut || readyForMs >= redialMaxMs) this.#failures = 0;
  }

  /** The wait before the next attempt, milliseconds. @param random from 0 to 1 */
  next(random: number): number {
    const failures = this.#failures;
    this.#failures += 1;
    if (failures === 0) return 0;
    const full = Math.min(redialFirstMs * 2 ** (failures - 1), redialMaxMs);
    return full * (0.5 + random / 2);
  }
}
