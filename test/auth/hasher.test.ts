// The queue in front of the hasher thread: who waits, who goes first, who is turned away.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Hasher, type HashVerdict } from '#auth/hasher.ts';
import { hashPassword } from '#auth/password.ts';

const right = 'correct horse';
const hash = hashPassword(right, 10);

/** A hasher for which addresses that begin with `bad` have failed; its verdicts in order. */
const opened = (context: TestContext) => {
  const hasher = new Hasher((address) => address.startsWith('bad'));
  context.after(() => hasher.close());
  const order: string[] = [];
  const ask = (address: string, password = 'wrong'): Promise<HashVerdict> =>
    new Promise((resolve) => {
      hasher.compare(address, password, hash, (verdict) => {
        order.push(`${address} ${verdict}`);
        resolve(verdict);
      });
    });
  return { ask, order };
};

test('BF-04 who comes from an address without failures goes before every address with some', async (context) => {
  const { ask, order } = opened(context);
  const guesses = Array.from({ length: 12 }, (_none, count) => ask(`bad${count}`));
  const login = ask('good', right);
  assert.equal(await login, 'match');
  assert.ok(order.length <= 2, `only what had begun was before it: ${order.join()}`);
  await Promise.all(guesses);
});

test('BF-04 a full queue of guesses makes room for an address without failures, and for no other', async (context) => {
  const { ask, order } = opened(context);
  // One runs, 64 wait.
  const guesses = Array.from({ length: 65 }, (_none, count) => ask(`bad${count}`));
  const late = ask('bad-late');
  const login = ask('good', right);
  assert.equal(await late, 'busy');
  assert.equal(await login, 'match');
  assert.deepEqual(
    order.filter((line) => line.endsWith('busy')),
    ['bad-late busy', 'bad64 busy'],
    'the newest guess gave its place',
  );
  await Promise.all(guesses);
});

test('a stream of new addresses does not keep out one that mistyped a password', async (context) => {
  const { ask, order } = opened(context);
  const stream = Array.from({ length: 8 }, (_none, count) => ask(`good${count}`));
  const mistyped = ask('bad-once', right);
  assert.equal(await mistyped, 'match');
  assert.ok(order.length <= 5, `it had one of four turns: ${order.join()}`);
  await Promise.all(stream);
});

test('a hasher that is closed answers everybody who waits', async (context) => {
  const { ask } = opened(context);
  const asked = [ask('a'), ask('b'), ask('b')];
  const hasher = new Hasher(() => false);
  const late = new Promise<HashVerdict>((resolve) => hasher.compare('c', right, hash, resolve));
  await hasher.close();
  assert.equal(await late, 'failed');
  assert.deepEqual(await Promise.all(asked), ['mismatch', 'mismatch', 'mismatch']);
});
