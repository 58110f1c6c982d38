// When a peer is dialled again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redialMaxMs } from '#transport/bounds.ts';
import { RedialWait } from '#transport/redial-wait.ts';

const next = (wait: RedialWait, count: number): readonly number[] =>
  Array.from({ length: count }, () => wait.next(1));

test('the first attempt after a failure is immediate, the next ones wait longer each time, to a bound', () => {
  const waits = next(new RedialWait(), 12);
  assert.deepEqual(waits.slice(0, 4), [0, 50, 100, 200]);
  assert.equal(waits.at(-1), redialMaxMs);
  assert.equal(new RedialWait().next(0), 0);
});

test('ROLL-01 a connection that this node cut itself is dialled again at once, however young it was and however often it had failed before', () => {
  const wait = new RedialWait();
  next(wait, 12);
  wait.ended(1, true);
  assert.deepEqual(next(wait, 2), [0, 50]);
});

test('a peer that lets in only to hang up is dialled ever more slowly', () => {
  const wait = new RedialWait();
  const waits = Array.from({ length: 12 }, () => {
    wait.ended(redialMaxMs - 1, false);
    return wait.next(1);
  });
  assert.equal(waits.at(-1), redialMaxMs);
  wait.ended(redialMaxMs, false);
  assert.equal(wait.next(1), 0, 'one that lasted counts as a good one');
});
