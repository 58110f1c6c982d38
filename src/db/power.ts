// pow(x, y) in plain IEEE arithmetic, so that it is equal on every machine: Math.pow may call the C
// library, whose results differ by CPU. Logarithm and exponential in double-double arithmetic: the
// error before the last rounding is below 2^-70 of the result, so exact powers come out exact.

/** An unevaluated sum of two doubles, the second below half a unit of the first. */
type Double2 = readonly [high: number, low: number];

/** Exact sum of two doubles (Knuth). */
const twoSum = (a: number, b: number): Double2 => {
  const sum = a + b;
  const part = sum - a;
  return [sum, a - (sum - part) + (b - part)];
};

const splitter = 134_217_729; // 2^27 + 1 (Dekker)

/** Exact product of two doubles. */
const twoProduct = (a: number, b: number): Double2 => {
  const product = a * b;
  const aBig = splitter * a;
  const aHigh = aBig - (aBig - a);
  const aLow = a - aHigh;
  const bBig = splitter * b;
  const bHigh = bBig - (bBig - b);
  const bLow = b - bHigh;
  return [product, aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow];
};

const add = ([aHigh, aLow]: Double2, [bHigh, bLow]: Double2): Double2 => {
  const [high, low] = twoSum(aHigh, bHigh);
  const [lowHigh, lowLow] = twoSum(aLow, bLow);
  const [sum, rest] = twoSum(high, low + lowHigh);
  return twoSum(sum, rest + lowLow);
};

const multiply = ([aHigh, aLow]: Double2, [bHigh, bLow]: Double2): Double2 => {
  const [high, low] = twoProduct(aHigh, bHigh);
  return twoSum(high, low + (aHigh * bLow + aLow * bHigh));
};

const divide = (a: Double2, b: Double2): Double2 => {
  const first = a[0] / b[0];
  const rest = add(a, multiply(b, [-first, 0]));
  const second = rest[0] / b[0];
  const last = add(rest, multiply(b, [-second, 0]))[0] / b[0];
  return add(twoSum(first, second), [last, 0]);
};

const ln2: Double2 = [Math.LN2, 2.3190468138462996e-17];
/** The rest of ln 2 behind {@link ln2}. */
const ln2Rest = 5.707708438416212e-34;

const bits = new DataView(new ArrayBuffer(8));

/** x = m * 2^k with m from sqrt(1/2) to sqrt(2); x positive and finite. */
const split = (x: number): readonly [mantissa: number, exponent: number] => {
  const subnormal = x < 2.2250738585072014e-308;
  bits.setFloat64(0, subnormal ? x * 18_014_398_509_481_984 : x);
  const top = bits.getUint32(0);
  bits.setUint32(0, (top & 0x000f_ffff) | 0x3ff0_0000);
  const mantissa = bits.getFloat64(0);
  const exponent = (top >>> 20) - 1023 - (subnormal ? 54 : 0);
  return mantissa > Math.SQRT2 ? [mantissa / 2, exponent + 1] : [mantissa, exponent];
};

/** 2^k for every k from -1074 to 1023, exactly. */
const powerOfTwo = (k: number): number => {
  if (k < -1022) return powerOfTwo(k + 60) * 8.673617379884035e-19;
  bits.setUint32(0, (k + 1023) << 20);
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
};

/** The series of atanh has 22 terms: s^2 is at most 0.0295, so the next one is below 2^-110. */
const logTerms = Array.from({ length: 22 }, (_, n) => divide([1, 0], [2 * n + 1, 0])).reverse();

/** ln of a positive finite number: 2 atanh((m - 1) / (m + 1)) + k ln 2. */
const logarithm = (x: number): Double2 => {
  const [mantissa, exponent] = split(x);
  const s = divide(twoSum(mantissa, -1), twoSum(mantissa, 1));
  const square = multiply(s, s);
  let sum: Double2 = [0, 0];
  for (const term of logTerms) sum = add(multiply(sum, square), term);
  const series = multiply(multiply(sum, s), [2, 0]);
  const scaled = add(multiply(ln2, [exponent, 0]), [exponent * ln2Rest, 0]);
  return add(scaled, series);
};

/** 1 / n! for n from 26 down to 0: the argument is at most ln 2 / 2, the next term below 2^-118. */
const exponentialTerms = ((): readonly Double2[] => {
  const terms: Double2[] = [[1, 0]];
  for (let n = 1; n <= 26; n++) terms.push(divide(terms[n - 1] ?? [0, 0], [n, 0]));
  return terms.reverse();
})();

/** e to a double-double that neither overflows nor vanishes. */
const exponential = (value: Double2): number => {
  const k = Math.round(value[0] / ln2[0]);
  const rest = add(add(value, multiply(ln2, [-k, 0])), [-k * ln2Rest, 0]);
  let sum: Double2 = [0, 0];
  for (const term of exponentialTerms) sum = add(multiply(sum, rest), term);
  // Two steps, because 2^1024 and the subnormal powers are no doubles of their own.
  const half = Math.trunc(k / 2);
  if (k >= -1021) return (sum[0] + sum[1]) * powerOfTwo(half) * powerOfTwo(k - half);
  return scaledDown(sum, k);
};

/** A subnormal result: rounded once, by adding the number whose last bit has the right weight. */
const scaledDown = ([high, low]: Double2, k: number): number => {
  if (k < -1076) return 0;
  const unit = 1.5 * powerOfTwo(-1022 - k);
  const [sum, rest] = twoSum(unit, high);
  return (sum + (rest + low) - unit) * powerOfTwo(-1022) * powerOfTwo(k + 1022);
};

const isOdd = (y: number): boolean => Math.abs(y) < 9_007_199_254_740_992 && y % 2 !== 0;

/** x a zero or an infinity, y neither zero nor NaN (C17, F.10.4.4). */
const powerOfEdge = (x: number, y: number): number => {
  const negative = (x < 0 || Object.is(x, -0)) && isOdd(y);
  const large = (x === 0) === y < 0;
  const size = large ? Number.POSITIVE_INFINITY : 0;
  return negative ? -size : size;
};

/** y infinite, |x| neither 1 nor NaN. */
const powerToInfinity = (x: number, y: number): number =>
  Math.abs(x) > 1 === y > 0 ? Number.POSITIVE_INFINITY : 0;

const finitePower = (x: number, y: number): number => {
  const product = multiply(logarithm(x), [y, 0]);
  // Beyond these e^product is no finite double, or rounds to zero; the products stay exact enough.
  if (!(product[0] < 709.8)) return Number.POSITIVE_INFINITY;
  if (!(product[0] > -745.2)) return 0;
  return exponential(product);
};

/** C's pow, except that the last bit may differ from any one library's. */
export const power = (x: number, y: number): number => {
  if (y === 0 || x === 1) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  if (x === -1 && !Number.isFinite(y)) return 1;
  if (!Number.isFinite(y)) return powerToInfinity(x, y);
  if (x === 0 || !Number.isFinite(x)) return powerOfEdge(x, y);
  if (x > 0) return finitePower(x, y);
  if (!Number.isInteger(y)) return Number.NaN;
  const size = finitePower(-x, y);
  return isOdd(y) ? -size : size;
};
