// A term of office (dissertation 3.3): terms number the elections. 0 is "before the first
// election".
import { invariant } from '#invariant.ts';

declare const brand: unique symbol;

/** A whole number from 0 to 2^53 - 1. Made by {@link term} only. */
export type Term = number & { readonly [brand]: 'Term' };

/** The brand's one constructor; a number that is no term is a broken invariant. */
export const term = (value: number): Term => {
  invariant(Number.isSafeInteger(value) && value >= 0, 'a term is a whole number from 0');
  return value as Term;
};

/** Before the first election. */
export const termZero = term(0);
