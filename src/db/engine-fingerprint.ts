// What computes this node's data, in one line: replicas run the same statements, so what runs them
// must give the same results. Told to every peer, and compared.
import { createHash } from 'node:crypto';
import { type Engine, noBindings } from './engine.ts';

/** How much of a digest is told: enough to tell two builds apart. */
const digestDigits = 16;

/** Arguments per expression; with the expressions below this makes 5,000 results. */
const argumentCount = 250;

/**
 * Expressions of two numbers: every function that is ours because its results differ by machine,
 * and SQLite's own arithmetic, conversions and rounding.
 */
const expressions = [
  ...['exp(x / 50)', 'ln(x)', 'log10(x)', 'log2(x)', 'pow(x, y)', 'pow(y, x / 90)', 'sin(x)'],
  ...['cos(x)', 'tan(x)', 'asin(y / 9)', 'acos(y / 9)', 'atan(x)', 'atan2(x, y)', 'sinh(y)'],
  ...['tanh(y)', 'sqrt(x)', 'x / y', 'round(x * y, 3)'],
  ...["CAST(printf('%!.17g', x / y) AS REAL)", 'avg(x * 0.1) OVER ()'],
];

const sha256 = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, digestDigits);

/** Numbers without a pattern, the same everywhere: exact integers divided by a power of two. */
const argumentsAt = (at: number): readonly [x: number, y: number] => [
  ((at * 48_271) % 65_537) / 512 + 0.001953125,
  ((at * 16_807) % 8191) / 1024 + 0.0009765625,
];

/** Digest of 5,000 results, bit for bit. */
const floatDigest = (engine: Engine): string => {
  const statement = engine.prepare(`SELECT ${expressions.join(', ')} FROM (SELECT ? AS x, ? AS y)`);
  const hash = createHash('sha256');
  const bits = Buffer.alloc(8);
  for (let at = 1; at <= argumentCount; at++) {
    for (const value of statement.all({ anonymous: argumentsAt(at) }, false)[0] ?? []) {
      bits.writeDoubleLE(typeof value === 'number' ? value : Number.NaN);
      hash.update(bits);
    }
  }
  return hash.digest('hex').slice(0, digestDigits);
};

/**
 * The line: `name=value` pairs with a space between, printable ASCII, below 200 characters.
 * `floats` and `arch` decide whether two nodes may be of one cluster; the rest tells people which
 * build it is. The deterministic functions must be defined on the connection.
 */
export const engineFingerprint = (engine: Engine): string => {
  const options = engine
    .prepare('SELECT compile_options FROM pragma_compile_options ORDER BY 1')
    .all(noBindings, false)
    // The compiler's name says nothing of what it made.
    .map(([option]) => String(option))
    .filter((option) => !option.startsWith('COMPILER='));
  return [
    `sqlite=${String(engine.value('SELECT sqlite_version()'))}`,
    `source=${sha256(String(engine.value('SELECT sqlite_source_id()')))}`,
    `options=${sha256(options.join('\n'))}`,
    `arch=${process.arch}`,
    `floats=${floatDigest(engine)}`,
  ].join(' ');
};
