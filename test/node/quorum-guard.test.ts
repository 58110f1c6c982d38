// Which changes of the voters are refused because they would leave the cluster without a quorum.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  denialProblem,
  promotionProblem,
  reapProblem,
  removalProblem,
} from '#node/quorum-guard.ts';

test('the last voter is not removed, a learner always may be', () => {
  assert.match(removalProblem({ voters: ['a'], up: ['a'] }, 'a') ?? '', /last voter/);
  assert.equal(removalProblem({ voters: ['a'], up: ['a'] }, 'learner'), undefined);
});

test('a dead voter may be removed, a living one not when only the dead would be left beside one', () => {
  const seen = { voters: ['a', 'b', 'c'], up: ['a', 'b'] };
  assert.equal(removalProblem(seen, 'c'), undefined);
  assert.match(removalProblem(seen, 'b') ?? '', /2 must answer and c does not/);
  assert.equal(removalProblem({ voters: ['a', 'b'], up: ['a'] }, 'b'), undefined);
});

test('a voter is added only when the cluster lives on without it; the second one is the exception', () => {
  assert.equal(promotionProblem({ voters: ['a'], up: ['a'] }), undefined);
  assert.equal(promotionProblem({ voters: ['a', 'b'], up: ['a', 'b'] }), undefined);
  assert.notEqual(promotionProblem({ voters: ['a', 'b'], up: ['a'] }), undefined);
  assert.equal(promotionProblem({ voters: ['a', 'b', 'c'], up: ['a', 'b', 'c'] }), undefined);
  assert.notEqual(promotionProblem({ voters: ['a', 'b', 'c'], up: ['a', 'b'] }), undefined);
});

test('a silent voter is removed without an operator only while three others stay and a majority of them answers', () => {
  const voters = ['a', 'b', 'c', 'd'];
  assert.equal(reapProblem({ voters, up: ['a', 'b', 'c'] }, 'd'), undefined);
  assert.match(reapProblem({ voters, up: ['a'] }, 'd') ?? '', /2 must answer/);
  const three = { voters: ['a', 'b', 'c'], up: ['a', 'b'] };
  assert.match(reapProblem(three, 'c') ?? '', /fewer than 3 voters would be left/);
  assert.equal(reapProblem(three, 'a replica'), undefined);
});

test('voters are denied only when a majority of all voters answers without them and those denied before; they stay voters', () => {
  const three = ['a', 'b', 'c'];
  const seen = { voters: three, up: three };
  assert.equal(denialProblem(seen, ['c'], []), undefined);
  assert.equal(denialProblem({ voters: three, up: ['a', 'b'] }, ['c'], []), undefined);
  const two = { voters: three, up: ['a', 'b'] };
  assert.match(denialProblem(two, ['b'], []) ?? '', /without it 1 would/);
  const pair = { voters: ['a', 'b'], up: ['a', 'b'] };
  assert.match(denialProblem(pair, ['b'], []) ?? '', /2 must answer/);
  assert.equal(denialProblem({ voters: three, up: ['a'] }, ['learner'], []), undefined);
  // All of one call together, and what is in force although it still answers.
  assert.match(denialProblem(seen, ['b', 'c'], []) ?? '', /without them 1 would/);
  assert.match(denialProblem(seen, ['b'], ['c']) ?? '', /without it 1 would/);
  assert.equal(denialProblem(seen, ['c', 'learner'], ['c']), undefined);
});
