// Parameters of a request to the bindings of one statement, by the rules of rqlite's driver: too
// few are an error, extra ones are ignored, a name that matches nothing is ignored, a place that no
// name fills is NULL.
import type { Statement } from '#command/command.ts';
import type { Value } from '#command/value.ts';
import { type Bindings, noBindings, type SqlValue } from './engine.ts';
import type { Piece } from './statement-text.ts';

/** The bindings, or the message of the statement's error. */
export type Bound =
  | { readonly kind: 'bound'; readonly bindings: Bindings }
  | { readonly kind: 'error'; readonly message: string };

const none: Bound = { kind: 'bound', bindings: noBindings };

const sqlValue = (value: Value): SqlValue =>
  typeof value === 'boolean' ? (value ? 1n : 0n) : value;

const withoutBooleans = (values: readonly Value[]): values is readonly SqlValue[] => {
  for (const value of values) if (typeof value === 'boolean') return false;
  return true;
};

const plainValues = (values: readonly Value[], count: number): readonly SqlValue[] => {
  if (values.length === count && withoutBooleans(values)) return values;
  return values.slice(0, count).map(sqlValue);
};

const startsWithLetter = /^\p{L}/u;
const isBadName = ([name]: readonly [string, Value]): boolean => !startsWithLetter.test(name);

/**
 * Values by index less one, as the driver assigns them: each positional one to its place among all
 * that were given (names in front of it count), names to all their places.
 */
const valuesByIndex = (
  piece: Piece,
  { positional, named, places }: Statement,
  taken: number,
): readonly SqlValue[] => {
  const values: SqlValue[] = piece.parameters.map(() => null);
  for (const [position, value] of positional.entries()) {
    const at = (places?.[position] ?? position + 1) - 1 - taken;
    if (at >= 0 && at < values.length) values[at] = sqlValue(value);
  }
  for (const [name, value] of named) {
    for (const [at, wanted] of piece.parameters.entries()) {
      if (wanted === name) values[at] = sqlValue(value);
    }
  }
  return values;
};

const namedBindings = (piece: Piece, values: readonly SqlValue[]): Bindings => {
  const anonymous: SqlValue[] = [];
  const named: Record<string, SqlValue> = {};
  for (const [at, name] of piece.parameters.entries()) {
    const value = values[at] ?? null;
    if (name === undefined) anonymous.push(value);
    else Object.defineProperty(named, name, { value, enumerable: true });
  }
  return { anonymous, named: piece.named ? named : undefined };
};

/** NULL for every parameter: for EXPLAIN, which runs nothing. */
export const nullBindings = (piece: Piece): Bindings =>
  namedBindings(
    piece,
    piece.parameters.map(() => null),
  );

const error = (message: string): Bound => ({ kind: 'error', message });

/**
 * Binds the parameters of `statement` to one of its pieces; `taken` is how many earlier pieces of
 * the same text have used up; a named parameter counts as one place.
 */
export const bindParameters = (piece: Piece, statement: Statement, taken: number): Bound => {
  const { positional, named } = statement;
  const wanted = piece.parameters.length;
  const given = positional.length + named.length;
  const badName = named.length === 0 ? undefined : named.find(isBadName);
  if (badName !== undefined) {
    return error(`name ${JSON.stringify(badName[0])} does not begin with a letter`);
  }
  if (given - taken < wanted) {
    return error(`not enough args to execute query: want ${wanted} got ${given}`);
  }
  if (wanted === 0) return none;
  if (!piece.named && named.length === 0) {
    const own = taken === 0 ? positional : positional.slice(taken);
    return { kind: 'bound', bindings: { anonymous: plainValues(own, wanted) } };
  }
  const values = valuesByIndex(piece, statement, taken);
  return { kind: 'bound', bindings: namedBindings(piece, values) };
};
