// The cluster records of the log: committed and latest, truncated and restored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import { encodeConfiguration } from '#command/configuration-codec.ts';
import { type ClusterRecord, noClusterRecord } from '#command/member.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import { ClusterRecords } from '#node/cluster-records.ts';
import { Members } from '#node/members.ts';
import { withoutMember } from '#node/membership-records.ts';
import type { Entry } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import { term } from '#raft/term.ts';

const storeId = storeIdFrom('1'.repeat(32));
const member = (name: string) => ({
  name,
  storeId,
  keyPin: `pin of ${name}`,
  peerAddress: `${name}.lan:4002`,
  apiUrl: '',
});

const both: ClusterRecord = { ...noClusterRecord, members: [member('n1'), member('n2')] };

const entryOf = (index: number, inTerm: number, context: Uint8Array): Entry => ({
  index: logIndex(index),
  term: term(inTerm),
  kind: 'configuration',
  data: encodeConfiguration({
    voters: ['n1'],
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
    context,
  }),
});

const removalAt = (index: number, inTerm: number): Entry =>
  entryOf(index, inTerm, encodeClusterRecord(withoutMember(both, 'n2')));

const peer = {
  name: nodeNameFrom('n2'),
  keyPin: 'pin of n2',
  serial: '01',
  issuer: '',
  notAfterMs: 0,
  storeId,
  featureLevel: 1,
  engine: '',
  address: '',
};

const started = () => new ClusterRecords(logIndex(4), encodeClusterRecord(both));

test('a removal counts for who is a member at once, and shuts out only when it is committed', () => {
  const records = started();
  const members = new Members(nodeNameFrom('n1'), records);
  assert.equal(members.appended([removalAt(5, 2)]), true);
  assert.equal(members.record('n2'), undefined);
  assert.equal(members.admit(peer).kind, 'heard');
  assert.equal(members.committedTo(logIndex(5)), true);
  const refusal = members.admit(peer);
  assert.ok(refusal.kind === 'refused' && refusal.reason.startsWith('removed_from_cluster:'));
});

test('a removal that another leader truncates never happened', () => {
  const members = new Members(nodeNameFrom('n1'), started());
  members.appended([removalAt(5, 2)]);
  const barrier: Entry = {
    index: logIndex(5),
    term: term(3),
    kind: 'barrier',
    data: new Uint8Array(0),
  };
  assert.equal(members.appended([barrier]), true);
  assert.equal(members.committedTo(logIndex(5)), false);
  assert.equal(members.record('n2')?.name, 'n2');
  assert.equal(members.admit(peer).kind, 'heard');
  assert.equal(members.termAt(logIndex(5)), undefined);
});

test('an entry that only leaves a joint configuration keeps the members', () => {
  const records = started();
  records.appended([entryOf(5, 2, new Uint8Array(0))]);
  records.committedTo(logIndex(5));
  assert.deepEqual(records.committed.record, both);
});

test('AMNESIA a member with another disk is refused; another key under its name too', () => {
  const members = new Members(nodeNameFrom('n1'), started());
  const otherDisk = { ...peer, storeId: storeIdFrom('2'.repeat(32)) };
  assert.equal(members.admit(otherDisk).kind, 'refused');
  assert.equal(members.admit({ ...peer, keyPin: 'another' }).kind, 'refused');
});

test('a removed node is not dialled any more, whatever address it told', () => {
  const members = new Members(nodeNameFrom('n1'), started());
  members.told(peer.name, 'elsewhere.lan:4002');
  members.appended([removalAt(5, 2)]);
  assert.deepEqual([...members.addresses()], [['n2', 'elsewhere.lan:4002']]);
  members.committedTo(logIndex(5));
  assert.deepEqual([...members.addresses()], []);
});
