// Recoveries on folders of stopped nodes, made of a real log and a real database.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import { decodeCommand, encodeCommand } from '#command/command-codec.ts';
import { type MemberRecord, noClusterRecord } from '#command/member.ts';
import { decodeProposal, encodeProposal } from '#command/proposal-codec.ts';
import { CodedError } from '#errors.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import { identityText } from '#node/identity-file.ts';
import { configurationCodec, membershipFrom } from '#node/membership-codec.ts';
import { systemEffects } from '#node/node-effects.ts';
import { epochOf } from '#node/recovery/epoch.ts';
import { neutralize, planNeutralize } from '#node/recovery/neutralize.ts';
import { beginEpoch, planEpoch } from '#node/recovery/new-epoch.ts';
import { survivorsFrom } from '#node/recovery/peers-file.ts';
import { finishRewrite } from '#node/recovery/rewrite-log.ts';
import { openStoppedNode, type StoppedNode } from '#node/recovery/stopped-node.ts';
import type { Entry, EntryKind } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import { term } from '#raft/term.ts';

process.umask(0o077);

const cluster = clusterIdFrom('ab'.repeat(16));
const names = ['n1', 'n2', 'n3'] as const;

const member = (name: string): MemberRecord => ({
  name,
  storeId: name.charCodeAt(1).toString(16).repeat(16),
  keyPin: name.charCodeAt(1).toString(16).repeat(32),
  peerAddress: `${name}:4002`,
  apiUrl: `https://${name}:4001`,
});

const entry = (index: number, kind: EntryKind, data: Uint8Array, itsTerm = 1): Entry => ({
  index: logIndex(index),
  term: term(itsTerm),
  kind,
  data,
});

const first = entry(
  1,
  'configuration',
  configurationCodec.encode({
    membership: membershipFrom({
      ...{ voters: [...names], votersOutgoing: [], learners: [], learnersNext: [] },
      autoLeave: false,
    }),
    context: encodeClusterRecord({ ...noClusterRecord, members: names.map(member) }),
  }),
);

const write = (index: number, text: string, itsTerm = 1): Entry => {
  const command = encodeCommand({
    ...{ texts: [text], statements: [{ text: 0, positional: [], named: [] }] },
    ...{ transaction: false, schemaIndex: 0, changesSchema: false, user: 'u', requestId: 'r' },
  });
  const data = encodeProposal({ timeMs: 5000 + index, seed: Buffer.alloc(16, index), command });
  return entry(index, 'command', data, itsTerm);
};

/** The folder of a node whose log holds these entries, of which so many are applied. */
const folderOf = async (
  t: TestContext,
  name: (typeof names)[number],
  entries: readonly Entry[],
  applied = 1,
): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-recover-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const identity = { name: nodeNameFrom(name), cluster, hasLog: false };
  const store = storeIdFrom(member(name).storeId);
  writeFileSync(join(folder, 'identity.json'), identityText({ ...identity, store }));
  const node = await openStoppedNode(folder, systemEffects);
  await node.stopped.append({
    snapshot: undefined,
    truncateFrom: undefined,
    entries,
    hardState: { term: term(9), votedFor: undefined, commitIndex: logIndex(applied) },
  });
  node.writer.apply(entries.slice(0, applied).map((one) => ({ ...one, render: 0 })));
  await node.close();
  return folder;
};

const within = async <T>(
  folders: readonly string[],
  work: (nodes: readonly StoppedNode[]) => Promise<T>,
): Promise<T> => {
  const nodes = await Promise.all(folders.map((one) => openStoppedNode(one, systemEffects)));
  try {
    return await work(nodes);
  } finally {
    for (const node of nodes) await node.close();
  }
};

const refused = (why: RegExp) => (error: unknown) =>
  error instanceof CodedError && error.code === 'recovery_refused' && why.test(error.message);

test('a neutralized entry keeps place, term, time and user, and applies as an error that is recorded', async (t) => {
  const entries = [first, write(2, 'endless'), write(3, 'CREATE TABLE after (a)')];
  const folders = [await folderOf(t, 'n1', entries), await folderOf(t, 'n2', entries)];
  await within(folders, async (nodes) => {
    const plan = await planNeutralize(nodes, 2);
    assert.deepEqual([plan.isMajority, plan.term], [true, 1]);
    await neutralize(plan, systemEffects.files);
  });
  const chains = await within(folders, async (nodes) => {
    const [one] = nodes;
    const [, neutral, last] = (await one?.stopped.log.read(logIndex(1), 1 << 20)) ?? [];
    assert.deepEqual(last, entries[2]);
    const proposal = decodeProposal(neutral?.data ?? Buffer.alloc(0));
    assert.deepEqual([neutral?.index, neutral?.term, proposal.timeMs], [2, 1, 5002]);
    const { texts, user } = decodeCommand(proposal.command);
    assert.match(texts[0] ?? '', /an operator neutralized this entry/);
    assert.equal(user, 'u');
    assert.equal(one?.stopped.log.recovered.hardState.term, 9, 'votes are kept');
    return nodes.map(({ writer }) => {
      assert.ok(neutral !== undefined && last !== undefined);
      const applied = writer.apply([neutral, last].map((each) => ({ ...each, render: 1 })));
      assert.match(String(applied.outcomes[0]?.outcome), /an operator neutralized this entry/);
      return Buffer.from(applied.outcomeChain).toString('hex');
    });
  });
  assert.equal(chains[0], chains[1]);
  for (const folder of folders) assert.ok(existsSync(join(folder, 'raft.before-neutralize-2')));
});

test('an entry that is applied, is no write, is not there, or is another one elsewhere is left alone', async (t) => {
  const entries = [first, write(2, 'SELECT 1'), write(3, 'endless')];
  const one = await folderOf(t, 'n1', entries, 2);
  const other = await folderOf(t, 'n2', [...entries.slice(0, 2), write(3, 'another', 2)], 2);
  const plan = (folders: readonly string[], index: number) =>
    within(folders, (nodes) => planNeutralize(nodes, index));
  await assert.rejects(plan([one], 2), refused(/holds entry 2 already/));
  await assert.rejects(plan([one], 1), refused(/is no write: it is a configuration/));
  await assert.rejects(plan([one], 4), refused(/is not in the log/));
  await assert.rejects(plan([one, other], 3), refused(/is not the same/));
  assert.equal((await plan([one], 3)).isMajority, false);
});

test('a rewrite that was cut between its two renames is finished by the next run', async (t) => {
  const folder = await folderOf(t, 'n1', [first, write(2, 'endless')]);
  renameSync(join(folder, 'raft'), join(folder, 'raft.ready'));
  finishRewrite(folder, systemEffects.files);
  await within([folder], async ([node]) => {
    assert.equal(node?.lastIndex, 2);
    return Promise.resolve();
  });
});

test('a new epoch ends each log with the same members, keeps the order of the logs, and buries the rest', async (t) => {
  const short = await folderOf(t, 'n1', [first, write(2, 'SELECT 1')]);
  const long = await folderOf(t, 'n3', [first, write(2, 'SELECT 1'), write(3, 'SELECT 2')]);
  const survivors = [
    { name: 'n1', voter: true },
    { name: 'n3', voter: true, peerAddress: 'elsewhere:9' },
  ];
  const begin = () =>
    within([short, long], async (nodes) => {
      const plans = nodes.map((node) => planEpoch(node, node.identity.name, survivors));
      for (const [at, plan] of plans.entries()) {
        const node = nodes[at];
        if (node !== undefined) await beginEpoch(node.stopped, node.stopped.log.recovered, plan);
      }
      return plans;
    });
  const plans = await begin();
  assert.deepEqual(
    plans.map(({ epoch, fenced, isDone }) => [epoch, fenced, isDone]),
    [
      [1, ['n2'], false],
      [1, ['n2'], false],
    ],
  );
  assert.equal(plans[0]?.entry.term, plans[1]?.entry.term);
  assert.deepEqual(plans[0]?.entry.data, plans[1]?.entry.data);
  assert.ok(
    (await begin()).every(({ isDone }) => isDone),
    'a second time there is nothing to do',
  );
  await within([short, long], async (nodes) => {
    assert.deepEqual(
      nodes.map(({ lastIndex }) => lastIndex),
      [3, 4],
    );
    for (const { membership, record, stopped } of nodes) {
      assert.deepEqual(membership.voters, ['n1', 'n3']);
      assert.deepEqual(
        record.members.map(({ name, peerAddress }) => [name, peerAddress]),
        [
          ['n1', 'n1:4002'],
          ['n3', 'elsewhere:9'],
        ],
      );
      const { storeId, keyPin } = member('n2');
      assert.deepEqual(record.tombstones, [{ name: 'n2', storeId, keyPin }]);
      const { hardState } = stopped.log.recovered;
      assert.ok(epochOf(hardState.term) === 1 && hardState.commitIndex === 1);
    }
    return Promise.resolve();
  });
});

test('a new epoch lifts what keeps its voters away: denials of their names and of their certificates, no others', async (t) => {
  const denial = { name: '', serial: '', issuer: '', deniedMs: 1, reason: '' };
  const { keyPin } = member('n3');
  const others = [
    { ...denial, serial: 'A2' },
    { ...denial, name: 'n2' },
    { ...denial, serial: 'A3', keyPin: member('n2').keyPin },
  ];
  const denied = [{ ...denial, name: 'n1' }, { ...denial, serial: 'A1', keyPin }, ...others];
  const members = names.map(member);
  const { membership } = configurationCodec.decode(first.data);
  const context = encodeClusterRecord({ ...noClusterRecord, members, denied });
  const shutOut = entry(1, 'configuration', configurationCodec.encode({ membership, context }));
  const folder = await folderOf(t, 'n1', [shutOut]);
  const survivors = names.map((name) => ({ name, voter: name !== 'n2' }));
  await within([folder], async ([node]) => {
    assert.ok(node !== undefined);
    const plan = planEpoch(node, 'n1', survivors);
    assert.deepEqual(plan.lifted, ['n1', 'A1']);
    await beginEpoch(node.stopped, node.stopped.log.recovered, plan);
  });
  await within([folder], ([node]) => {
    assert.deepEqual(node?.record.denied, others);
    return Promise.resolve();
  });
});

test('a new epoch without voters, without this node or with a stranger is refused', async (t) => {
  const folder = await folderOf(t, 'n1', [first]);
  await within([folder], ([node]) => {
    assert.ok(node !== undefined);
    const plan = (...voters: readonly string[]) =>
      planEpoch(
        node,
        'n1',
        voters.map((name) => ({ name, voter: true })),
      );
    assert.throws(() => plan(), refused(/there is no voter/));
    assert.throws(() => plan('n2'), refused(/not among those who are left/));
    assert.throws(() => plan('n1', 'n9'), refused(/n9 is no member/));
    return Promise.resolve();
  });
});

test('peers.json is read as rqlite has it, and refused with what is wrong', () => {
  const read = (text: string) => survivorsFrom('peers.json', text);
  assert.deepEqual(
    read('[{"id":"n1","address":"h:1","non_voter":false},{"id":"n2","address":"[::1]:2"}]'),
    [
      { name: 'n1', voter: true, peerAddress: 'h:1' },
      { name: 'n2', voter: true, peerAddress: '[::1]:2' },
    ],
  );
  assert.equal(read('[{"id":"n1","address":"h:1","non_voter":true}]')[0]?.voter, false);
  for (const [text, why] of [
    ['[', /not JSON/],
    ['[]', /names nobody/],
    ['[{"address":"h:1"}]', /has no id/],
    ['[{"id":"n1","address":"h"}]', /not host:port/],
    ['[{"id":"n1","address":"h:1","non_voter":"no"}]', /no boolean/],
    ['[{"id":"n1","address":"h:1"},{"id":"n1","address":"h:2"}]', /twice/],
  ] as const) {
    assert.throws(() => read(text), why, text);
  }
});
