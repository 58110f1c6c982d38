// The transport as a whole: several nodes on loopback that talk to each other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '#raft/message.ts';
import { append, callTo, closeAll, connectAll, heartbeat, openNode, until } from './nodes.ts';

test('three nodes that know each other exchange messages and calls in every direction', async () => {
  const nodes = await Promise.all(['n1', 'n2', 'n3'].map((name) => openNode(name)));
  try {
    await connectAll(nodes);
    for (const { transport, name } of nodes) {
      const others = nodes.filter((other) => other.name !== name);
      transport.send(others.map((other) => heartbeat(name, other.name)));
      transport.send(others.map((other) => append(name, other.name, Buffer.from('entry'))));
    }
    await until('all messages', () => nodes.every(({ messages }) => messages.length === 4));
    for (const { name, messages } of nodes) {
      const placeOf = (message: Message) => `${message.kind} ${message.from}`;
      const sorted = (list: readonly Message[]) =>
        list.toSorted((a, b) => placeOf(a).localeCompare(placeOf(b)));
      const expected = nodes
        .filter((other) => other.name !== name)
        .flatMap((other) => [
          heartbeat(other.name, name),
          append(other.name, name, Buffer.from('entry')),
        ]);
      assert.deepEqual(sorted(messages), sorted(expected));
    }
    for (const from of nodes) {
      for (const to of nodes) {
        if (from === to) continue;
        const reply = await callTo(from, to.name, Buffer.from('abc'));
        assert.deepEqual(reply, { kind: 'reply', payload: Buffer.from('cba') });
      }
    }
    assert.deepEqual(
      nodes.flatMap(({ refused }) => refused),
      [],
    );
  } finally {
    await closeAll(nodes);
  }
});
