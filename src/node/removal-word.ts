// What a removed node hears of its removal: the peers refuse it with a word of their own. One peer
// alone is not believed (it may lag, or lie); when most of the others say so, it is true. The same
// word about another node, with which this one cuts it off, is none of its business.
import type { NodeName } from '#identity/node-name.ts';
import { removedSentence } from './members.ts';

/** Counts the peers that say that this node was removed. */
export class RemovalWord {
  readonly #saidBy = new Set<NodeName>();
  readonly #sentence: string;
  readonly #othersCount: () => number;
  readonly #onRemoved: () => void;
  #removed = false;

  /** `othersCount`: how many other members this node knows; `onRemoved` is called once. */
  constructor(self: NodeName, othersCount: () => number, onRemoved: () => void) {
    this.#sentence = removedSentence(self);
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
    if (this.#removed || this.#saidBy.size * 2 <= this.#othersCount()) return;
    this.#removed = true;
    this.#onRemoved();
  }
}
