// Which refusals at the own peer port are of this node's own knocks (prove-posture.ts), so that a
// log tells them once, in one line, and every stranger's one by one. A knock is known by its end of
// the connection, which nobody else has while it is open, and excuses one refusal only.

/** How long a knock that was refused is waited for: the port's side hears of it a little later. */
const heardTimeoutMs = 1000;

/** See the head of this file. */
export class OwnKnocks {
  readonly #open = new Set<string>();
  #onHeard: (() => void) | undefined;

  /** This node knocks from here (address:port). */
  knocking(from: string): void {
    this.#open.add(from);
  }

  /** Whether a refusal that the port tells is of a knock; true once for each. */
  isRefusalOf(from: string): boolean {
    const isOwn = this.#open.delete(from);
    if (isOwn && this.#open.size === 0) this.#onHeard?.();
    return isOwn;
  }

  /**
   * When the port has told of every knock, or will not: no knock excuses anything from then on.
   */
  async heard(): Promise<void> {
    if (this.#open.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, heardTimeoutMs);
        this.#onHeard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#onHeard = undefined;
    this.#open.clear();
  }
}
