// When a node believes that it was removed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeNameFrom } from '#identity/node-name.ts';
import { RemovalWord } from '#node/removal-word.ts';

test('a node believes its removal when most of the others say so, not before', () => {
  let told = 0;
  const word = new RemovalWord(
    () => 3,
    () => {
      told += 1;
    },
  );
  const [a, b, c] = ['a', 'b', 'c'].map(nodeNameFrom);
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const reason = 'refused by the peer: removed_from_cluster: n4 was removed';
  word.heard(a, false, reason);
  word.heard(a, false, reason);
  word.heard(b, false, 'the connection was closed');
  assert.equal(word.removed, false);
  word.heard(a, true, 'connected');
  word.heard(b, false, reason);
  assert.equal(word.removed, false);
  word.heard(c, false, reason);
  assert.equal(word.removed, true);
  word.heard(a, false, reason);
  assert.equal(told, 1);
});
