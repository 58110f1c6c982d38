// Calls between nodes are told apart by their numbers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peerCallNumbers } from '#node/peer-call-numbers.ts';

test('no two calls between nodes have one number', () => {
  const numbers = Object.values(peerCallNumbers);
  assert.equal(new Set<number>(numbers).size, numbers.length);
});
