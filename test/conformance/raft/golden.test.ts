// Golden data of quorum arithmetic and configuration changes, all cases.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import {
  type Changed,
  changeSimply,
  enterJoint,
  leaveJoint,
  membersOf,
  noMembership,
} from '#raft/configuration.ts';
import { logIndex } from '#raft/log-index.ts';
import type { Membership, MembershipChange } from '#raft/membership.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';
import { type Progress, reconcileProgress } from '#raft/progress.ts';
import { majorityReached, majorityVote, quorumReached, quorumVote } from '#raft/quorum.ts';
import { type GoldenCase, goldenCases } from './golden-file.ts';

const filesIn = (folder: string): readonly string[] => {
  const files = readdirSync(new URL(`${folder}/`, import.meta.url)).filter((name) =>
    name.endsWith('.txt'),
  );
  assert.ok(files.length > 0, 'the golden data is there');
  return files;
};

// Quorums.

const votersFrom = (golden: GoldenCase, name: string): readonly NodeId[] =>
  (golden.parameters.get(name) ?? []).filter((id) => id !== '' && id !== 'zero').map(nodeId);

/** The values of the case, given to the voters in order of first mention. */
const valuesFrom = (golden: GoldenCase, name: string): ReadonlyMap<NodeId, string> => {
  const voters = new Set([...votersFrom(golden, 'cfg'), ...votersFrom(golden, 'cfgj')]);
  const values = golden.parameters.get(name) ?? [];
  return new Map([...voters].map((voter, position) => [voter, values[position] ?? '_']));
};

const committedIn = (golden: GoldenCase): string => {
  const values = valuesFrom(golden, 'idx');
  const reachedBy = (node: NodeId): number => Number(values.get(node)?.replace('_', '0') ?? 0);
  const voters = votersFrom(golden, 'cfg');
  const votersOutgoing = votersFrom(golden, 'cfgj');
  const joint = quorumReached({ voters, votersOutgoing }, reachedBy);
  assert.equal(quorumReached({ voters: votersOutgoing, votersOutgoing: voters }, reachedBy), joint);
  if (!golden.parameters.has('cfgj')) assert.equal(majorityReached(voters, reachedBy), joint);
  return joint === Number.POSITIVE_INFINITY ? '∞' : String(joint);
};

const voteIn = (golden: GoldenCase): string => {
  const values = valuesFrom(golden, 'votes');
  const voteOf = (node: NodeId): boolean | undefined => {
    const vote = values.get(node);
    return vote === 'y' ? true : vote === 'n' ? false : undefined;
  };
  const voters = votersFrom(golden, 'cfg');
  const votersOutgoing = votersFrom(golden, 'cfgj');
  const joint = quorumVote({ voters, votersOutgoing }, voteOf);
  assert.equal(quorumVote({ voters: votersOutgoing, votersOutgoing: voters }, voteOf), joint);
  if (!golden.parameters.has('cfgj')) assert.equal(majorityVote(voters, voteOf), joint);
  return { won: 'VoteWon', lost: 'VoteLost', pending: 'VotePending' }[joint];
};

for (const file of filesIn('quorum')) {
  test(`quorum arithmetic agrees with the golden data of ${file}`, () => {
    const cases = goldenCases(new URL(`quorum/${file}`, import.meta.url));
    assert.ok(cases.length > 0);
    for (const golden of cases) {
      const result = golden.directive === 'vote' ? voteIn(golden) : committedIn(golden);
      const expected = golden.expected.at(-1)?.replace('<empty majority quorum>', '');
      assert.equal(result, expected, `${file}:${golden.line}`);
    }
  });
}

// Configurations.

const kinds = { v: 'add-voter', l: 'add-learner', r: 'remove', u: 'update' } as const;

const changesFrom = (golden: GoldenCase): readonly MembershipChange[] =>
  golden.input
    .flatMap((line) => line.split(' '))
    .filter((text) => text !== '')
    .map((text) => {
      const kind = kinds[text[0] as keyof typeof kinds];
      assert.ok(kind, `a change begins with one of ${Object.keys(kinds).join(' ')}`);
      return { kind, id: text.slice(1) };
    })
    // Their id 0 is "nobody"; here a name is never empty, so there is no such change.
    .filter(({ id }) => id !== '0')
    .map(({ kind, id }) => ({ kind, node: nodeId(id) }));

const sentences = {
  'already-joint': 'config is already joint',
  'not-joint': "can't leave a non-joint config",
  'no-voters-before': "can't make a zero-voter config joint",
  'no-voters-left': 'removed all voters',
  'needs-joint': 'more than one voter changed without entering joint config',
} as const;

const sentenceOf = (golden: GoldenCase, { fault }: Changed & { kind: 'refused' }): string =>
  golden.directive === 'simple' && fault === 'already-joint'
    ? "can't apply simple config change in joint config"
    : sentences[fault];

const changedBy = (golden: GoldenCase, membership: Membership): Changed => {
  const changes = changesFrom(golden);
  switch (golden.directive) {
    case 'simple':
      return changeSimply(membership, changes);
    case 'enter-joint':
      return enterJoint(membership, changes, golden.parameters.get('autoleave')?.[0] === 'true');
    default:
      assert.equal(golden.directive, 'leave-joint');
      return leaveJoint(membership);
  }
};

const numerically = (nodes: readonly NodeId[]): readonly NodeId[] =>
  [...nodes].sort((a, b) => Number(a) - Number(b));

const render = (membership: Membership, progress: Map<NodeId, Progress>): readonly string[] => {
  const list = (nodes: readonly NodeId[]): string => `(${numerically(nodes).join(' ')})`;
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = membership;
  const head = [
    `voters=${list(voters)}${votersOutgoing.length > 0 ? `&&${list(votersOutgoing)}` : ''}`,
    ...(learners.length > 0 ? [`learners=${list(learners)}`] : []),
    ...(learnersNext.length > 0 ? [`learners_next=${list(learnersNext)}`] : []),
    ...(autoLeave ? ['autoleave'] : []),
  ].join(' ');
  const followers = numerically([...progress.keys()]).map((node) => {
    const { match, next } = progress.get(node) ?? { match: -1, next: -1 };
    const learner = learners.includes(node) ? ' learner' : '';
    return `${node}: StateProbe match=${match} next=${next}${learner}`;
  });
  return [head, ...followers];
};

for (const file of filesIn('confchange')) {
  test(`changes of configuration agree with the golden data of ${file}`, () => {
    let membership = noMembership;
    const progress = new Map<NodeId, Progress>();
    const cases = goldenCases(new URL(`confchange/${file}`, import.meta.url));
    assert.ok(cases.length > 0);
    for (const [position, golden] of cases.entries()) {
      const changed = changedBy(golden, membership);
      if (changed.kind === 'changed') {
        membership = changed.membership;
        // Their log grows by one entry a directive, and a newcomer's next entry is its last.
        reconcileProgress(progress, membersOf(membership), logIndex(Math.max(position, 1)), true);
      }
      const result =
        changed.kind === 'changed' ? render(membership, progress) : [sentenceOf(golden, changed)];
      assert.deepEqual(result, golden.expected, `${file}:${golden.line}`);
    }
  });
}
