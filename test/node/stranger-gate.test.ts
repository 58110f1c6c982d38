// When a node that is not on record is heeded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import { type MemberRecord, noClusterRecord } from '#command/member.ts';
import { type NodeName, nodeNameFrom } from '#identity/node-name.ts';
import { seededRandom } from '#io/random.ts';
import { ClusterRecords } from '#node/cluster-records.ts';
import { Members } from '#node/members.ts';
import { configurationCodec, membershipFrom } from '#node/membership-codec.ts';
import { StrangerGate } from '#node/stranger-gate.ts';
import { indexZero, logIndex } from '#raft/log-index.ts';
import type { Message } from '#raft/message.ts';
import { nodeId } from '#raft/node-id.ts';
import { createRaft } from '#raft/raft.ts';
import { term, termZero } from '#raft/term.ts';

const electionMs = 600;
const names = ['n1', 'n2'];

const recordOf = (name: string): MemberRecord => ({
  name,
  storeId: '',
  keyPin: '',
  peerAddress: '',
  apiUrl: '',
});

const setUp = () => {
  const random = seededRandom(1);
  const raft = createRaft(
    {
      self: nodeId('n1'),
      electionTicks: 24,
      heartbeatTicks: 4,
      appendBytesMax: 1024,
      inFlightMessagesMax: 4,
      inFlightBytesMax: 4096,
      uncommittedBytesMax: 4096,
      cachedBytesMax: 4096,
      configurationCodec,
      random: (below) => random.below(below),
    },
    {
      hardState: { term: term(5), votedFor: undefined, commitIndex: indexZero },
      trimmedIndex: indexZero,
      trimmedTerm: termZero,
      terms: [],
      lastIndex: indexZero,
      recentEntries: [],
      appliedIndex: indexZero,
      membership: membershipFrom({
        voters: names,
        votersOutgoing: [],
        learners: [],
        learnersNext: [],
        autoLeave: false,
      }),
      configurationEntries: [],
    },
  );
  const record = {
    ...noClusterRecord,
    members: names.map(recordOf),
  };
  const records = new ClusterRecords(logIndex(0), encodeClusterRecord(record));
  const clock = { ms: 10_000 };
  const members = new Members(nodeNameFrom('n1'), records);
  const known: NodeName[] = [];
  const asked = { times: 0 };
  const ask = (): void => {
    asked.times += 1;
  };
  const gate = new StrangerGate({
    raft,
    members,
    introductions: { known, ask },
    electionMs,
    monotonicMs: () => clock.ms,
  });
  return { raft, gate, clock, members, known, asked };
};

const heartbeat = (from: string, inTerm: number): Message => ({
  kind: 'heartbeat',
  from: nodeId(from),
  to: nodeId('n1'),
  term: term(inTerm),
  commitIndex: indexZero,
  readContext: 0,
});

const member = nodeNameFrom('n2');
const stranger = nodeNameFrom('n7');

test('a stranger is heeded where no member leads: this node may be the one that slept', () => {
  const { gate } = setUp();
  assert.ok(gate.heeds(stranger, [heartbeat('n7', 9)]));
});

test('ID-04 a stranger is not heeded where a member can be asked, until that one knows it', () => {
  const { gate, members, known, asked } = setUp();
  known.push(member);
  assert.ok(!gate.heeds(stranger, [heartbeat('n7', 9)]));
  assert.equal(asked.times, 1);
  members.introduce([{ ...recordOf('n7'), keyPin: 'the key of n7', storeId: 'its disk' }]);
  assert.ok(gate.heeds(stranger, [heartbeat('n7', 9)]));
  assert.ok(!gate.heeds(nodeNameFrom('n8'), [heartbeat('n8', 9)]), 'another one is still unknown');
});

test('ID-04 who uses the name of a node that was introduced, with another key or disk, is refused', () => {
  const { members } = setUp();
  const shown = (keyPin: string, storeId: string): string =>
    members.admit({
      name: stranger,
      keyPin,
      storeId: storeId as never,
      serial: '1',
      issuer: '',
      notAfterMs: 0,
      featureLevel: 1,
      engine: '',
      address: '',
    }).kind;
  assert.equal(shown('forged', 'its disk'), 'heard');
  members.introduce([{ ...recordOf('n7'), keyPin: 'the key of n7', storeId: 'its disk' }]);
  assert.equal(shown('forged', 'its disk'), 'refused');
  assert.equal(shown('the key of n7', 'another disk'), 'refused');
  assert.equal(shown('the key of n7', 'its disk'), 'heard');
});

test('while a member leads no stranger is heeded, and again when that one fell silent', () => {
  const { gate, clock } = setUp();
  assert.ok(gate.heeds(member, [heartbeat('n2', 5)]));
  assert.ok(!gate.heeds(stranger, [heartbeat('n7', 9)]));
  clock.ms += electionMs;
  assert.ok(gate.heeds(stranger, [heartbeat('n7', 9)]));
});

test('what a member says late, from an office that is over, shuts nobody out', () => {
  const { gate } = setUp();
  assert.ok(gate.heeds(member, [heartbeat('n2', 4)]));
  assert.ok(gate.heeds(stranger, [heartbeat('n7', 9)]));
});

test('a member may call, a stranger may not', () => {
  const { gate } = setUp();
  assert.equal(gate.mayCall(member), true);
  assert.equal(gate.mayCall(stranger), false);
});
