// Replaces, on the writer's connection, every SQL function whose result is not a function of its
// arguments alone: time, random numbers, mathematics that differs by CPU. What cannot be replaced
// is refused by the guard.
import { type Engine, openEngine, type SqlValue, StatementError } from './engine.ts';
import { mathFunctions } from './math-functions.ts';
import { RandomSource } from './random-source.ts';
import {
  currentFunctions,
  type EntryClock,
  type NamedFunction,
  timeFunctions,
} from './time-functions.ts';

/** The functions of one connection: set before each entry and each statement. */
export interface DeterministicFunctions {
  startEntry(timeMs: number, seed: Uint8Array): void;
  startStatement(number: number): void;
  close(): void;
}

/** SQLITE_MAX_LENGTH of the engine: larger values are an error there as well. */
const valueBytesMax = 2 ** 29 - 24;

/** The end of the year 9999, the last that SQLite's time functions know. */
const timeMsMax = 253_402_300_799_999;

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
        throw new StatementError('SQLITE_TOOBIG', 'string or blob too big');
      }
      return source.bytes(wanted < 1n ? 1 : Number(wanted));
    },
  },
];

/** Differs by what this connection did since it was opened. */
const totalChanges: NamedFunction = {
  name: 'total_changes',
  parameters: 0,
  call: () => {
    throw new StatementError(
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
  define(mathFunctions(side), true);
  define([...currentFunctions(side, clock), ...randomFunctions(source), totalChanges], false);
  return {
    startEntry: (timeMs, seed) => {
      clock.timeMs = Math.min(Math.max(timeMs, 0), timeMsMax);
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
