// Asking members for members: over real transports, one question at a time, broken answers aside.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import { type MemberRecord, noClusterRecord } from '#command/member.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { ClusterRecords } from '#node/cluster-records.ts';
import { Introductions } from '#node/introductions.ts';
import { Members } from '#node/members.ts';
import { logIndex } from '#raft/log-index.ts';
import { closeAll, connectAll, openNode, until } from '../transport/nodes.ts';

const recordOf = (name: string): MemberRecord => ({
  name,
  storeId: 'disk',
  keyPin: 'key',
  peerAddress: `${name}.lan:4002`,
  apiUrl: `https://${name}.lan:4001`,
});

const membersOf = (self: string, names: readonly string[]): Members => {
  const record = { ...noClusterRecord, members: names.map(recordOf) };
  const records = new ClusterRecords(logIndex(1), encodeClusterRecord(record));
  return new Members(nodeNameFrom(self), records);
};

test('a node that slept asks the member it knows, and learns of the one that came meanwhile', async () => {
  const slept = membersOf('n1', ['n1', 'n2']);
  const awake = membersOf('n2', ['n1', 'n2', 'n3']);
  let nowMs = 0;
  const base = { monotonicMs: () => nowMs };
  const answering = new Introductions({
    ...base,
    self: nodeNameFrom('n2'),
    members: awake,
    transport: () => undefined,
  });
  let asked = 0;
  const nodes = [
    await openNode('n1'),
    await openNode('n2', {
      onCall: (_from, method, _payload, reply) => {
        asked += 1;
        // The first answer is garbage.
        if (asked === 1) reply(Buffer.from('ffff', 'hex'));
        else assert.ok(answering.answer(method, reply));
      },
    }),
  ] as const;
  try {
    await connectAll(nodes);
    const asking = new Introductions({
      ...base,
      self: nodeNameFrom('n1'),
      members: slept,
      transport: () => nodes[0].transport,
    });
    assert.deepEqual(asking.known, ['n2']);
    asking.ask();
    asking.ask();
    await until('it is asked', () => asked === 1);
    assert.equal(slept.isIntroduced('n3'), false);
    nowMs += 1000;
    asking.ask();
    await until('n3 is introduced', () => slept.isIntroduced('n3'));
    assert.equal(asked, 2, 'two questions in one breath are one');
    assert.equal(slept.isIntroduced('n7'), false);
  } finally {
    await closeAll(nodes);
  }
});
