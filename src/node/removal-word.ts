// What a removed node hears of its removal: the peers refuse it with a word of their own. One peer
// alone is not believed (it may lag, or lie); when most of the others say so, it is true. One alone
// is believed when it says that the cluster was recovered without this node: two clusters would be
// worse than one node that stands still for a lie. The same word about another node, with which
// this one cuts it off, is none of its business.
import type { NodeName } from '#identity/node-name.ts';
import { recoveredSentence, removedSentence } from './members.ts';

/** Counts the peers that say that this node was removed. */
export class RemovalWord {
  readonly #saidBy = new Set<NodeName>();
  readonly #sentence: string;
  readonly #recoveredSentence: string;
  readonly #othersCount: () => number;
  readonly #onRemoved: () => void;
  #removed = false;

  /** `othersCount`: how many other members this node knows; `onRemoved` is called once. */
  constructor(self: NodeName, othersCount: () => number, onRemoved: () => void) {
    this.#sentence = removedSentence(self);
    this.#recoveredSentence = recoveredSentence(self);
    this.#othersCount = othersCount;
    this.#onRemoved = onRemoved;
  }

  /** Whether most of the others said so: this node must not campaign any more. */
  get removed(): boolean {
    return this.#removed;
  }

  /** A peer is up, or not for this reason. */
  heard(peer: NodeName, up: boolean, reason: string): void {
    if (up) this.#saidBy.delete(peer);
    else if (reason.includes(this.#sentence)) this.#saidBy.add(peer);
    // A recovered cluster may be one node: most of the others are those that were lost with this
    // one.
    const recovered = !up && reason.includes(this.#recoveredSentence);
    if (this.#removed || (!recovered && this.#saidBy.size * 2 <= this.#othersCount())) return;
    this.#removed = true;
    this.#onRemoved();
  }
}
