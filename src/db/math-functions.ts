// Mathematics that differs by CPU or C library: sines, logarithms, powers. Math's are V8's own
// code, the same everywhere, but for pow. What SQLite computes exactly (sqrt, floor, mod) stays
// SQLite's.
import type { Engine, SqlFunction, SqlValue } from './engine.ts';
import { power } from './power.ts';
import type { NamedFunction } from './time-functions.ts';

/** Undefined is NULL. */
type Conversion = (value: SqlValue) => number | undefined;

/** SQLite's own conversion to REAL: of text it need not be JavaScript's to the last bit. */
const castOn = (side: Engine): Conversion => {
  const cast = side.prepare('SELECT CAST(? AS REAL)');
  return (value) => {
    const number = cast.all({ anonymous: [value] }, true)[0]?.[0];
    return typeof number === 'number' ? number : undefined;
  };
};

const numeral = /^[ \t\n\f\r\v]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \t\n\f\r\v]*$/;

/** A number as SQLite's mathematics takes it: text that is no numeral, BLOB and NULL are none. */
const numberOf =
  (cast: Conversion): Conversion =>
  (value) => {
    if (typeof value === 'number') return value;
    if (typeof value === 'bigint') return Number(value);
    return typeof value === 'string' && numeral.test(value) ? cast(value) : undefined;
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
  // As SQLite computes them; Math.log10 would be another value than a query shows.
  log: positive((x) => Math.log(x) / Math.LN10),
  log10: positive((x) => Math.log(x) / Math.LN10),
  log2: positive((x) => Math.log(x) / Math.LN2),
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

const logarithmToBase = (base: number, x: number): number =>
  base > 1 && x > 0 ? Math.log(x) / Math.log(base) : Number.NaN;

const binary: Readonly<Record<string, (x: number, y: number) => number>> = {
  atan2: Math.atan2,
  pow: power,
  power,
};

/** All of them; `side` is an open `:memory:` connection that nothing else uses. */
export const mathFunctions = (side: Engine): readonly NamedFunction[] => {
  const cast = castOn(side);
  const number = numberOf(cast);
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
    {
      name: 'log',
      parameters: 2,
      // Of the second operand SQLite takes whatever number its conversion makes.
      call: (left = null, right = null) => {
        const [base, x] = [number(left), cast(right)];
        return base === undefined || x === undefined ? null : logarithmToBase(base, x);
      },
    },
  ];
};
