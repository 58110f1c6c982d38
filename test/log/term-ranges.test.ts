// Which term each entry of a log has, as ranges.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TermRanges } from '#log/term-ranges.ts';
import { logIndex } from '#raft/log-index.ts';
import { term } from '#raft/term.ts';

/** Entries 6 and 7 of term 2, 8 to 10 of term 4, behind entry 5 of term 1. */
const ranges = (): TermRanges => {
  const terms = new TermRanges();
  terms.reset(logIndex(5), term(1));
  terms.append(term(2), 2);
  terms.append(term(4), 3);
  return terms;
};

const termsOf = (terms: TermRanges): (number | undefined)[] =>
  [4, 5, 6, 7, 8, 9, 10, 11].map((index) => terms.termOf(logIndex(index)));

test('the term of every entry is known, of the trimmed one too, and of none outside', () => {
  assert.deepEqual(termsOf(ranges()), [undefined, 1, 2, 2, 4, 4, 4, undefined]);
});

test('a trim within a term keeps the rest of it, a trim to the end keeps nothing', () => {
  const terms = ranges();
  terms.trim(logIndex(6));
  assert.deepEqual(termsOf(terms), [undefined, undefined, 2, 2, 4, 4, 4, undefined]);
  assert.deepEqual(terms.ranges, [
    { from: 7, term: 2 },
    { from: 8, term: 4 },
  ]);
  terms.trim(logIndex(10));
  assert.deepEqual(terms.ranges, []);
  assert.deepEqual([terms.trimmedIndex, terms.trimmedTerm, terms.lastTerm], [10, 4, 4]);
});

test('a truncation at the first entry of a term takes the whole term', () => {
  const terms = ranges();
  terms.truncate(logIndex(8));
  assert.deepEqual(termsOf(terms), [
    undefined,
    1,
    2,
    2,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assert.equal(terms.lastTerm, 2);
});
