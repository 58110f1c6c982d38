// When a node believes that it was removed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeNameFrom } from '#identity/node-name.ts';
import { RemovalWord } from '#node/removal-word.ts';

test('a node believes its removal when most of the others say so, not before', () => {
  let told = 0;
  const word = new RemovalWord(
    nodeNameFrom('n4'),
    () => 3,
    () => {
      told += 1;
    },
  );
  const [a, b, c] = ['a', 'b', 'c'].map(nodeNameFrom);
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const reason = 'refused by the peer: removed_from_cluster: n4 was removed from this cluster';
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

test('a node that cuts off a removed one does not take that for its own removal', () => {
  const word = new RemovalWord(
    nodeNameFrom('n1'),
    () => 1,
    () => assert.fail('it was not removed'),
  );
  const reason = 'removed_from_cluster: n3 was removed from this cluster; join anew';
  word.heard(nodeNameFrom('n3'), false, reason);
  assert.equal(word.removed, false);
});

test('one peer is believed that says the cluster was recovered without this node', () => {
  let told = 0;
  const word = new RemovalWord(
    nodeNameFrom('n2'),
    () => 2,
    () => {
      told += 1;
    },
  );
  word.heard(nodeNameFrom('n1'), false, 'recovered_without: this cluster was recovered without n3');
  assert.equal(word.removed, false, 'that is about another node');
  word.heard(nodeNameFrom('n1'), false, 'recovered_without: this cluster was recovered without n2');
  assert.equal(word.removed, true);
  word.heard(nodeNameFrom('n1'), false, 'recovered_without: this cluster was recovered without n2');
  assert.equal(told, 1);
});
