// Who is wrong when replicas differ: every case of the policy, as groups of nodes that agree.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HashedPart } from '#node/agreement/calls.ts';
import { reportOf } from '#node/agreement/content-check.ts';
import { type Verdict, verdictOf } from '#node/agreement/verdict.ts';

/** Nodes by what they hold; `?`: not known. Upper case votes, lower case learns; A leads. */
const judged = (holds: Readonly<Record<string, string>>): Verdict => {
  const names = Object.keys(holds);
  return verdictOf({
    self: 'A',
    voters: names.filter((name) => name === name.toUpperCase()),
    others: names.filter((name) => name !== 'A'),
    relation: (left, right) => {
      if (holds[left] === '?' || holds[right] === '?') return 'unknown';
      return holds[left] === holds[right] ? 'same' : 'different';
    },
  });
};

const cases: readonly (readonly [string, Readonly<Record<string, string>>, Verdict])[] = [
  ['all agree', { A: 'x', B: 'x', C: 'x' }, { kind: 'agree' }],
  ['nobody is known', { A: 'x', B: '?', C: '?' }, { kind: 'agree' }],
  ['one of three differs', { A: 'x', B: 'x', C: 'y' }, { kind: 'followers-differ', nodes: ['C'] }],
  [
    'a learner differs from a leader that is alone',
    { A: 'x', l: 'y' },
    { kind: 'followers-differ', nodes: ['l'] },
  ],
  [
    'two of five differ, each in its own way, and one is not known',
    { A: 'x', B: 'x', C: 'y', D: 'z', E: 'x' },
    { kind: 'followers-differ', nodes: ['C', 'D'] },
  ],
  [
    'the leader differs from all others',
    { A: 'x', B: 'y', C: 'y' },
    { kind: 'leader-differs', nodes: ['B', 'C'] },
  ],
  [
    'the leader and one more differ from three',
    { A: 'x', B: 'x', C: 'y', D: 'y', E: 'y' },
    { kind: 'leader-differs', nodes: ['C', 'D', 'E'] },
  ],
  [
    'learners that agree do not outvote a leader',
    { A: 'x', B: '?', C: '?', l: 'y', m: 'y' },
    { kind: 'no-majority', nodes: ['l', 'm'] },
  ],
  [
    'all three differ from each other',
    { A: 'x', B: 'y', C: 'z' },
    { kind: 'no-majority', nodes: ['B', 'C'] },
  ],
  ['two voters differ', { A: 'x', B: 'y' }, { kind: 'no-majority', nodes: ['B'] }],
  [
    'one of three differs and the third is not known',
    { A: 'x', B: 'y', C: '?' },
    { kind: 'no-majority', nodes: ['B'] },
  ],
];

for (const [name, holds, expected] of cases) {
  test(`when ${name} the verdict is ${expected.kind}`, () => {
    assert.deepEqual(judged(holds), expected);
  });
}

test('a report names tables that differ, are missing or are more; another entry is not compared', () => {
  const content = (digest: string, tables: Readonly<Record<string, string>>, index = 9) => ({
    reason: '',
    content: {
      ...{ appliedIndex: index, appliedTerm: 1, schemaIndex: 1, outcomeChain: '' },
      ...{ digest, schemaDigest: 's', rows: 3 },
      tables: Object.entries(tables).map(([name, of]) => ({ name, rows: 1, digest: of })),
    },
  });
  const parts = new Map<string, HashedPart>([
    ['n2', content('other', { same: 's', changed: 'two', more: 'm' })],
    ['n1', content('own', { same: 's', changed: 'one', missing: 'x' })],
    ['n3', content('own', {}, 8)],
    ['n4', { reason: 'it did not answer', content: undefined }],
  ]);
  const { verdict, nodes } = reportOf('n1', ['n1', 'n2', 'n3'], parts, 9);
  assert.deepEqual(verdict, { kind: 'no-majority', nodes: ['n2'] });
  assert.deepEqual(
    nodes.map(({ id, agrees, differingTables, error }) => [id, agrees, differingTables, error]),
    [
      ['n1', true, [], ''],
      ['n2', false, ['changed', 'more', 'missing'], ''],
      ['n3', undefined, [], 'it was at another entry'],
      ['n4', undefined, [], 'it did not answer'],
    ],
  );
});
