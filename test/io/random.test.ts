// The two sources of randomness: range, and what a seed promises.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cryptoRandom, seededRandom } from '#io/random.ts';

test('numbers below a limit are whole, in range, and all of them come', () => {
  for (const random of [cryptoRandom, seededRandom(5)]) {
    const seen = new Set<number>();
    for (let count = 0; count < 500; count++) seen.add(random.below(7));
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6],
    );
    assert.equal(random.below(1), 0);
    assert.throws(() => random.below(0));
  }
});

test('a seed gives the same bytes again, another seed gives others', () => {
  const bytesOf = (seed: number): string =>
    Buffer.from(seededRandom(seed).bytes(32)).toString('hex');
  assert.equal(bytesOf(1), bytesOf(1));
  assert.notEqual(bytesOf(1), bytesOf(2));
  assert.notDeepEqual(cryptoRandom.bytes(32), cryptoRandom.bytes(32));
});
