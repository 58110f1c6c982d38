// A position in the replicated log. The first entry has index 1; 0 is "before the first".
import { invariant } from '#invariant.ts';

declare const brand: unique symbol;

/** A whole number from 0 to 2^53 - 1. Made by {@link logIndex} only. */
export type LogIndex = number & { readonly [brand]: 'LogIndex' };

/** The brand's one constructor; a number that is no index is a broken invariant. */
export const logIndex = (value: number): LogIndex => {
  invariant(Number.isSafeInteger(value) && value >= 0, 'a log index is a whole number from 0');
  return value as LogIndex;
};

/** The index before the first entry. */
export const indexZero = logIndex(0);

/** The index that is `by` further on (or back, when `by` is negative). */
export const indexAfter = (index: LogIndex, by = 1): LogIndex => logIndex(index + by);

/** The smaller of two indexes. */
export const earlierOf = (a: LogIndex, b: LogIndex): LogIndex => logIndex(Math.min(a, b));

/** The greater of two indexes. */
export const laterOf = (a: LogIndex, b: LogIndex): LogIndex => logIndex(Math.max(a, b));
