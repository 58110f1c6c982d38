// Which term the entries of the log have: terms only grow along the log, so a list of where each
// begins says it for every entry.
import { indexAfter, indexZero, type LogIndex } from '#raft/log-index.ts';
import { type Term, termZero } from '#raft/term.ts';

/** A term and the first index of it. */
export interface TermRange {
  readonly from: LogIndex;
  readonly term: Term;
}

/** The terms of a log that begins behind a trimmed entry. */
export class TermRanges {
  #trimmedIndex = indexZero;
  #trimmedTerm = termZero;
  #lastIndex = indexZero;
  #ranges: TermRange[] = [];

  get trimmedIndex(): LogIndex {
    return this.#trimmedIndex;
  }

  get trimmedTerm(): Term {
    return this.#trimmedTerm;
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  get lastTerm(): Term {
    return this.#ranges.at(-1)?.term ?? this.#trimmedTerm;
  }

  /** Ascending; empty when the log holds no entry. */
  get ranges(): readonly TermRange[] {
    return this.#ranges;
  }

  /** The term of an entry in the log or of the trimmed one; undefined outside. */
  termOf(index: LogIndex): Term | undefined {
    if (index > this.#lastIndex || index < this.#trimmedIndex) return undefined;
    if (index === this.#trimmedIndex) return this.#trimmedTerm;
    return this.#ranges.findLast((range) => range.from <= index)?.term;
  }

  /** More entries of one term. */
  append(term: Term, count = 1): void {
    const from = indexAfter(this.#lastIndex);
    if (this.#ranges.at(-1)?.term !== term) this.#ranges.push({ from, term });
    this.#lastIndex = indexAfter(this.#lastIndex, count);
  }

  /** Entries from `from` on are gone; `from` is in the log. */
  truncate(from: LogIndex): void {
    while ((this.#ranges.at(-1)?.from ?? indexZero) >= from) this.#ranges.pop();
    this.#lastIndex = indexAfter(from, -1);
  }

  /** Entries up to and including `index` are gone; `index` is in the log. */
  trim(index: LogIndex): void {
    const term = this.termOf(index) ?? termZero;
    const first = indexAfter(index);
    const kept = this.#ranges.filter((range) => range.from > first);
    const firstTerm = this.termOf(first);
    this.#ranges = firstTerm === undefined ? [] : [{ from: first, term: firstTerm }, ...kept];
    this.#trimmedIndex = index;
    this.#trimmedTerm = term;
  }

  /** The log is empty behind this entry. */
  reset(index: LogIndex, term: Term): void {
    this.#ranges = [];
    this.#trimmedIndex = index;
    this.#trimmedTerm = term;
    this.#lastIndex = index;
  }
}
