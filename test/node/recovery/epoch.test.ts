// Terms of recovered clusters: higher than all before, in the order of the logs, never the same for
// two entries that differ.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochOf, firstTermOf, isRecoveryTerm, recoveryTermAfter } from '#node/recovery/epoch.ts';
import { type Term, term } from '#raft/term.ts';

const after = (last: number): Term => {
  const found = recoveryTermAfter(term(last));
  assert.ok(found !== undefined);
  return found;
};

test('a recovery begins the next epoch, above every term of the one before', () => {
  const first = after(7);
  assert.deepEqual([epochOf(7), epochOf(first), isRecoveryTerm(7)], [0, 1, false]);
  assert.ok(isRecoveryTerm(first));
  const elected = firstTermOf(first);
  assert.ok(elected > first && !isRecoveryTerm(elected + 1));
  assert.equal(epochOf(elected), 1);
  const second = after(elected + 3);
  assert.equal(epochOf(second), 2);
  assert.ok(second > elected + 1_000_000 && isRecoveryTerm(second));
});

test('logs that end with different terms keep their order, and elections lie above them all', () => {
  for (const ends of [
    [0, 1, 2, 900],
    [after(3), after(8), firstTermOf(after(1)) + 1, firstTermOf(after(1)) + 9],
  ]) {
    const recovered = ends.map(after);
    assert.deepEqual(
      recovered.toSorted((a, b) => a - b),
      recovered,
    );
    assert.equal(new Set(recovered).size, recovered.length);
    for (const one of recovered) assert.ok(firstTermOf(one) > Math.max(...recovered));
  }
});

test('a recovery after a recovery after a recovery, with no leader in between, is refused', () => {
  const led = firstTermOf(after(5)) + 1;
  const twice = after(led);
  assert.equal(recoveryTermAfter(twice), undefined);
  assert.ok(recoveryTermAfter(term(firstTermOf(twice) + 1)) !== undefined);
});
