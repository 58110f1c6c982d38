// Prints what the replaced functions give, bit by bit: a test compares processes of other settings.
import { defineDeterministicFunctions } from '#db/deterministic-functions.ts';
import { noBindings, openEngine } from '#db/engine.ts';
import { entryTimeMs, seedOf } from './support.ts';

const engine = openEngine(':memory:', { readonly: false, busyTimeoutMs: 0 });
const functions = defineDeterministicFunctions(engine);
functions.startEntry(entryTimeMs, seedOf(7));
const calls = [
  "datetime('now')",
  "datetime('now', 'localtime')",
  "datetime('2026-07-01 12:00', 'utc')",
  "strftime('%s %H %w', 'now', 'localtime')",
  'random()',
  'hex(randomblob(20))',
  ...['sin', 'cos', 'tan', 'exp', 'ln', 'log10', 'tanh'].flatMap((name) =>
    [0.1, 0.7, 3.3, 17.9, 0.0001].map((x) => `${name}(${x})`),
  ),
  ...[0.3, 1.7, 22.5].flatMap((x) => [0.5, -3.3, 17].map((y) => `pow(${x}, ${y})`)),
];
const bits = Buffer.alloc(8);
for (const value of engine.prepare(`SELECT ${calls.join(', ')}`).all(noBindings, true)[0] ?? []) {
  if (typeof value === 'number') bits.writeDoubleBE(value);
  process.stdout.write(`${typeof value === 'number' ? bits.toString('hex') : String(value)}\n`);
}
