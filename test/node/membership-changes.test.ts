// What became of a change of membership: one node with a real core, the others played by hand.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import { type ClusterRecord, noClusterRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import { ClusterRecords } from '#node/cluster-records.ts';
import { Members } from '#node/members.ts';
import { MembershipChanges } from '#node/membership-changes.ts';
import { configurationCodec, membershipFrom } from '#node/membership-codec.ts';
import { withoutMember } from '#node/membership-records.ts';
import { logIndex } from '#raft/log-index.ts';
import type { Message } from '#raft/message.ts';
import { nodeId } from '#raft/node-id.ts';
import { createRaft } from '#raft/raft.ts';
import { term } from '#raft/term.ts';

const names = ['n1', 'n2', 'n3'];
const [self, other, third] = names.map(nodeId);
const record: ClusterRecord = {
  ...noClusterRecord,
  members: names.map((name) => ({
    name,
    storeId: storeIdFrom('1'.repeat(32)),
    keyPin: `pin of ${name}`,
    peerAddress: `${name}.lan:4002`,
    apiUrl: '',
  })),
};

const membershipOf = (voters: readonly string[]) =>
  membershipFrom({ voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false });

/** Node n1 leads n1, n2 and n3 in term 2; its disk is done at once. */
const leader = (context: TestContext) => {
  assert.ok(self !== undefined && other !== undefined && third !== undefined);
  const raft = createRaft(
    {
      self,
      electionTicks: 10,
      heartbeatTicks: 2,
      appendBytesMax: 1000,
      inFlightMessagesMax: 8,
      inFlightBytesMax: 8000,
      uncommittedBytesMax: 10_000,
      cachedBytesMax: 10_000,
      configurationCodec,
      random: () => 0,
    },
    {
      hardState: { term: term(1), votedFor: undefined, commitIndex: logIndex(1) },
      trimmedIndex: logIndex(1),
      trimmedTerm: term(1),
      terms: [],
      lastIndex: logIndex(1),
      recentEntries: [],
      appliedIndex: logIndex(1),
      membership: membershipOf(names),
      configurationEntries: [],
    },
  );
  const encoded = encodeClusterRecord(record);
  const members = new Members(nodeNameFrom('n1'), new ClusterRecords(logIndex(1), encoded));
  let image = encoded;
  let committed = 1;
  const drain = (): void => {
    while (raft.hasReady()) {
      const ready = raft.ready();
      if (ready.snapshot !== undefined) changes.restarted(ready.snapshot.index, image);
      changes.appended(ready.entries);
      if (ready.mustSync) raft.durable(ready.sequence);
      if (ready.commitIndex <= committed) continue;
      committed = ready.commitIndex;
      changes.committed(ready.commitIndex);
    }
  };
  const changes = new MembershipChanges({
    self: nodeNameFrom('n1'),
    raft,
    members,
    transport: { isUp: () => true, shownBy: () => [], call: () => undefined, silentMs: () => 0 },
    log: { info: () => undefined, warn: () => undefined },
    drain,
    ownCertificate: () => ({ serial: 'A1', issuer: '' }),
    stepDown: () => Promise.resolve({ kind: 'done' }),
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
  });
  context.after(() => changes.close());
  const envelope = (inTerm: number) => ({ from: other, to: self, term: term(inTerm) });
  const hear = (message: Message): void => {
    raft.step(message);
    drain();
  };
  const acknowledge = (index: number): void =>
    hear({ kind: 'append-reply', ...envelope(2), accepted: true, matchIndex: logIndex(index) });
  raft.campaign();
  drain();
  for (const preVote of [true, false]) {
    hear({ kind: 'vote-reply', ...envelope(2), preVote, granted: true });
  }
  // The follower's log ends where the office began; then it has the barrier.
  acknowledge(1);
  acknowledge(2);
  assert.equal(raft.commitIndex, 2);
  return {
    raft,
    changes,
    hear,
    acknowledge,
    envelope,
    /** Another leader sends an image at `index`, whose database holds this record. */
    adopt: (index: number, holds: ClusterRecord): void => {
      image = encodeClusterRecord(holds);
      const voters = holds.members.map(({ name }) => name);
      hear({
        kind: 'snapshot',
        ...envelope(5),
        index: logIndex(index),
        indexTerm: term(5),
        membership: membershipOf(voters),
      });
    },
  };
};

/** A removal of n3 that is proposed, as entry 3, and not yet committed. */
const removing = async (context: TestContext) => {
  const node = leader(context);
  const removal = node.changes.remove('n3');
  removal.catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(node.raft.lastIndex, 3);
  return { ...node, removal };
};

const unknown = (error: unknown): boolean =>
  error instanceof CodedError && error.code === 'timeout' && error.details.applied === 'unknown';

test('a change that is committed is told as made', async (context) => {
  const { acknowledge, removal } = await removing(context);
  acknowledge(3);
  await removal;
});

test('a change that an image overtakes is told as unknown, whether the image holds it or not', async (context) => {
  for (const holds of [record, withoutMember(record, 'n3')]) {
    const { adopt, removal } = await removing(context);
    adopt(9, holds);
    await assert.rejects(removal, unknown);
  }
});

test('a change whose entry another leader replaced is made again, when this node leads again', async (context) => {
  const { hear, envelope, raft, removal } = await removing(context);
  const replacement = {
    index: logIndex(3),
    term: term(5),
    kind: 'barrier',
    data: new Uint8Array(0),
  } as const;
  hear({
    kind: 'append',
    ...envelope(5),
    prevIndex: logIndex(2),
    prevTerm: term(2),
    entries: [replacement],
    commitIndex: logIndex(3),
  });
  assert.equal(raft.commitIndex, 3);
  hear({ kind: 'timeout-now', ...envelope(5) });
  hear({ kind: 'vote-reply', ...envelope(6), preVote: false, granted: true });
  assert.equal(raft.softState.role, 'leader');
  for (const index of [3, 4]) {
    hear({
      kind: 'append-reply',
      ...envelope(6),
      accepted: true,
      matchIndex: logIndex(index),
    });
  }
  while (raft.lastIndex < 5) await new Promise((resolve) => setTimeout(resolve, 5));
  hear({ kind: 'append-reply', ...envelope(6), accepted: true, matchIndex: logIndex(5) });
  await removal;
  assert.deepEqual(raft.membership.voters, ['n1', 'n2']);
});
