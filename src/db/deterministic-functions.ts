// Replaces, on the writer's connection, every SQL function whose result is not a function of its
// arguments alone: time, random numbers, mathematics that differs by CPU. What cannot be replaced
// is refused by the guard.
import {
  type Engine,
  openEngine,
  type SqlFunction,
  SqlFunctionError,
  type SqlValue,
} from './engine.ts';
import { power } from './power.ts';
import { RandomSource } from './random-source.ts';
import { type EntryClock, type NamedFunction, timeFunctions } from './time-functions.ts';

/** The functions of one connection: set before each entry and each statement. */
export interface DeterministicFunctions {
  startEntry(timeMs: number, seed: Uint8Array): void;
  startStatement(number: number): void;
  close(): void;
}

/** SQLITE_MAX_LENGTH of the engine: larger values are an error there as well. */
const valueBytesMax = 2 ** 29 - 24;

const integerOf = (value: SqlValue): bigint => {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(Math.trunc(Number.isFinite(value) ? value : 0));
  const text = value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : (value ?? '');
  const digits = /^[ \t\n\f\r\v]*([+-]?\d+)/.exec(text)?.[1];
  return digits === undefined ? 0n : BigInt(digits);
};

const randomFunctions = (source: RandomSource): readonly NamedFunction[] => [
  { name: 'random', parameters: 0, call: () => source.integer() },
  {
    name: 'randomblob',
    parameters: 1,
    call: (length = null) => {
      const wanted = integerOf(length);
      if (wanted > valueBytesMax) {
        throw new SqlFunctionError('SQLITE_TOOBIG', 'string or blob too big');
      }
      return source.bytes(wanted < 1n ? 1 : Number(wanted));
    },
  },
];

const numeral = /^[ \t\n\f\r\v]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \t\n\f\r\v]*$/;

/** A number as SQLite's mathematics takes it: text that is no numeral, BLOB and NULL are none. */
const numberOf = (side: Engine): ((value: SqlValue) => number | undefined) => {
  // SQLite's own conversion of text need not be JavaScript's to the last bit.
  const cast = side.prepare('SELECT CAST(? AS REAL)');
  return (value) => {
    if (typeof value === 'number') return value;
    if (typeof value === 'bigint') return Number(value);
    if (typeof value !== 'string' || !numeral.test(value)) return undefined;
    const number = cast.all({ anonymous: [value] }, true)[0]?.[0];
    return typeof number === 'number' ? number : undefined;
  };
};

type Unary = (x: number) => number;

/** Logarithms of what is not positive are NULL. */
const positive =
  (log: Unary): Unary =>
  (x) =>
    x > 0 ? log(x) : Number.NaN;

const unary: Readonly<Record<string, Unary>> = {
  exp: Math.exp,
  ln: positive(Math.log),
  log: positive(Math.log10),
  log10: positive(Math.log10),
  log2: positive(Math.log2),
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
};

const logarithmToBase = (base: number, x: number): number => {
  if (!(base > 0) || !(x > 0)) return Number.NaN;
  const divisor = Math.log(base);
  return divisor === 0 ? Number.NaN : Math.log(x) / divisor;
};

const binary: Readonly<Record<string, (x: number, y: number) => number>> = {
  atan2: Math.atan2,
  pow: power,
  power,
  log: logarithmToBase,
};

const mathematics = (side: Engine): readonly NamedFunction[] => {
  const number = numberOf(side);
  const one =
    (call: Unary): SqlFunction =>
    (value = null) => {
      const x = number(value);
      return x === undefined ? null : call(x);
    };
  const two =
    (call: (x: number, y: number) => number): SqlFunction =>
    (left = null, right = null) => {
      const [x, y] = [number(left), number(right)];
      return x === undefined || y === undefined ? null : call(x, y);
    };
  return [
    ...Object.entries(unary).map(([name, call]) => ({ name, parameters: 1, call: one(call) })),
    ...Object.entries(binary).map(([name, call]) => ({ name, parameters: 2, call: two(call) })),
  ];
};

/** Differs by what this connection did since it was opened. */
const totalChanges: NamedFunction = {
  name: 'total_changes',
  parameters: 0,
  call: () => {
    throw new SqlFunctionError(
      'SQLITE_ERROR',
      'total_changes() differs between nodes: use changes()',
    );
  },
};

/**
 * Replaces the functions of `engine`; opens a side connection in memory and keeps it until `close`.
 */
export const defineDeterministicFunctions = (engine: Engine): DeterministicFunctions => {
  const side = openEngine(':memory:', { readonly: false, busyTimeoutMs: 0 });
  const clock: EntryClock = { timeMs: 0 };
  const source = new RandomSource();
  const define = (functions: readonly NamedFunction[], deterministic: boolean): void => {
    for (const { name, parameters, call } of functions) {
      engine.define(name, parameters, { deterministic, call });
    }
  };
  // Constant for the length of a statement, so SQLite may compute them once. The guard keeps 'now'
  // out of indexes and generated columns.
  define(timeFunctions(side, clock), true);
  define(mathematics(side), true);
  define([...randomFunctions(source), totalChanges], false);
  return {
    startEntry: (timeMs, seed) => {
      clock.timeMs = timeMs;
      source.startEntry(seed);
    },
    startStatement: (number) => {
      source.startStatement(number);
    },
    close: () => {
      side.close();
    },
  };
};
