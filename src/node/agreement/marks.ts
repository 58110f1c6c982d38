// The outcome chain of one node at a few indexes: the last ones where it stood, and every 256th of
// the last thousands, so that two nodes that are not at the same entry now still have one in
// common.
import { outcomeMarkStride } from '#db/outcome-chain.ts';
import { endMarksMax, noteMarksMax, strideMarksMax } from './bounds.ts';

/** The chain after an entry, hexadecimal. */
export interface ChainMark {
  readonly index: number;
  readonly chain: string;
}

/** What two nodes did, up to the last index at which both are known. */
export type Compared =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'same' | 'different'; readonly index: number };

const put = (marks: ChainMark[], mark: ChainMark, max: number): void => {
  const at = marks.findLastIndex(({ index }) => index <= mark.index);
  const known = marks[at]?.index === mark.index;
  marks.splice(known ? at : at + 1, known ? 1 : 0, mark);
  if (marks.length > max) marks.shift();
};

/** See the head of this file. */
export class OutcomeMarks {
  #strides: ChainMark[] = [];
  #ends: ChainMark[] = [];

  /** Another mark; one at a known index replaces what was known. */
  add(mark: ChainMark): void {
    if (mark.index % outcomeMarkStride === 0) put(this.#strides, mark, strideMarksMax);
    else put(this.#ends, mark, endMarksMax);
  }

  /** Nothing is known any more: the database was replaced. */
  forget(): void {
    this.#strides = [];
    this.#ends = [];
  }

  /** Forgets what lies behind the entry at which the node stands. */
  forgetBehind(appliedIndex: number): void {
    const isBefore = ({ index }: ChainMark): boolean => index <= appliedIndex;
    this.#strides = this.#strides.filter(isBefore);
    this.#ends = this.#ends.filter(isBefore);
  }

  /** The newest mark; undefined when there is none. */
  get last(): ChainMark | undefined {
    const [stride, end] = [this.#strides.at(-1), this.#ends.at(-1)];
    if (stride === undefined || end === undefined) return stride ?? end;
    return stride.index > end.index ? stride : end;
  }

  /** What is told of them: the newest one of each kind, and the strides before. */
  get told(): readonly ChainMark[] {
    return [...this.#ends.slice(-1), ...this.#strides.slice(1 - noteMarksMax)];
  }

  /** The chain at an index. */
  at(index: number): string | undefined {
    const marks = index % outcomeMarkStride === 0 ? this.#strides : this.#ends;
    return marks.find((mark) => mark.index === index)?.chain;
  }

  /** Compares at the last common index. */
  compare(other: OutcomeMarks): Compared {
    let last: Compared = { kind: 'unknown' };
    let lastIndex = -1;
    for (const { index, chain } of [...this.#strides, ...this.#ends]) {
      const there = other.at(index);
      if (there === undefined || index <= lastIndex) continue;
      lastIndex = index;
      last = { kind: there === chain ? 'same' : 'different', index };
    }
    return last;
  }
}
