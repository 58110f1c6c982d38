// Links that come, go and come back: restarts, changes of address, sweeps, reloads, full pipes.
import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueNode } from '#certs-tool/issue.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import { addressesOf, hostPortFrom } from '#transport/peer-address.ts';
import type { Admission, PeerIdentity } from '#transport/transport.ts';
import { dialAs } from './fake-peer.ts';
import {
  append,
  callTo,
  closeAll,
  cluster,
  connectAll,
  heartbeat,
  materialOf,
  openNode,
  peerCa,
  type TestNode,
  until,
} from './nodes.ts';

const n2 = nodeNameFrom('n2');
const n3 = nodeNameFrom('n3');

/** A TCP relay in front of a node, so that its address stays while the node comes and goes. */
interface Relay {
  readonly server: Server;
  readonly address: string;
  /** Where connections go; those that arrive while it is undefined are closed. */
  target: number | undefined;
  arrived: number;
  /** What was sent to the node from now on stays in the way. */
  stop(): void;
}

/** Bytes of array buffers in use: what only waits to be collected is collected. */
const arrayBuffersHeld = (): number => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
};

const openRelay = async (target: number | undefined): Promise<Relay> => {
  const stops: (() => void)[] = [];
  const server = createServer((inside) => {
    relay.arrived += 1;
    inside.on('error', () => undefined);
    if (relay.target === undefined) {
      inside.destroy();
      return;
    }
    const outside = connect(relay.target, '127.0.0.1');
    outside.on('error', () => undefined);
    inside.pipe(outside);
    outside.pipe(inside);
    inside.on('close', () => outside.destroy());
    outside.on('close', () => inside.destroy());
    stops.push(() => {
      inside.unpipe(outside);
      inside.pause();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relay: Relay = {
    server,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    target,
    arrived: 0,
    stop: () => {
      for (const one of stops) one();
    },
  };
  return relay;
};

test('a peer that restarts is linked again, and both ends are told', async () => {
  const nodes = [await openNode('n1'), await openNode('n2')];
  const [n1, before] = nodes as [TestNode, TestNode];
  const relay = await openRelay(before.transport.port);
  try {
    n1.transport.setPeers(new Map([[n2, relay.address]]));
    await until('both are up', () => n1.transport.isUp(n2) && before.transport.isUp(n1.name));
    assert.deepEqual(n1.links, ['n2 up: connected']);
    await before.transport.close();
    await until('it is down', () => !n1.transport.isUp(n2));
    assert.match(n1.links[1] ?? '', /^n2 down: /);
    assert.ok(n1.transport.silentMs(n2) < 60_000, 'it was heard of');
    const after = await openNode('n2');
    nodes.push(after);
    relay.target = after.transport.port;
    await until('both are up', () => n1.transport.isUp(n2) && after.transport.isUp(n1.name));
    n1.transport.send([heartbeat('n1', 'n2')]);
    await until('it is heard', () => after.messages.length === 1);
    assert.equal(n1.links.at(-1), 'n2 up: connected');
  } finally {
    await closeAll(nodes);
    relay.server.close();
  }
});

test('a peer that is not there yet is tried again, and why it fails is told once', async () => {
  const nodes = [await openNode('n1'), await openNode('n2')] as const;
  const [n1, other] = nodes;
  const relay = await openRelay(undefined);
  try {
    n1.transport.setPeers(new Map([[n2, relay.address]]));
    await until('it was dialled again and again', () => relay.arrived >= 8);
    assert.ok(n1.links.length > 0, 'a reason is told');
    assert.equal(new Set(n1.links).size, n1.links.length, 'each reason once');
    relay.target = other.transport.port;
    await until('it is up', () => n1.transport.isUp(n2));
  } finally {
    await closeAll(nodes);
    relay.server.close();
  }
});

test('a node is answered on its own connection when nobody told us where it is', async () => {
  const nodes = [await openNode('n1'), await openNode('n2')] as const;
  const [n1, other] = nodes;
  try {
    n1.transport.setPeers(new Map([[n2, other.address]]));
    await until('both are up', () => n1.transport.isUp(n2) && other.transport.isUp(n1.name));
    other.transport.send([heartbeat('n2', 'n1')]);
    await until('the answer', () => n1.messages.length === 1);
    const reply = await callTo(other, n1.name, Buffer.from('ab'));
    assert.deepEqual(reply, { kind: 'reply', payload: Buffer.from('ba') });
  } finally {
    await closeAll(nodes);
  }
});

test('a peer that leaves the list is no longer dialled; one with a new address is dialled there', async () => {
  const nodes = await Promise.all([openNode('n1'), openNode('n2'), openNode('n2')]);
  const [n1, before, after] = nodes;
  try {
    n1.transport.setPeers(new Map([[n2, before.address]]));
    await until('the first', () => before.transport.isUp(n1.name));
    n1.transport.setPeers(new Map([[n2, after.address]]));
    await until('the second', () => after.transport.isUp(n1.name));
    await until('the first is left', () => !before.transport.isUp(n1.name));
    n1.transport.setPeers(new Map());
    await until('the second is left', () => !after.transport.isUp(n1.name));
    assert.equal(n1.transport.isUp(n2), false);
    assert.equal(n1.transport.silentMs(n2), Number.POSITIVE_INFINITY);
  } finally {
    await closeAll(nodes);
  }
});

test('REV-02 a sweep cuts the links of a peer that is no longer admitted, which stays out', async () => {
  const denied = new Set<string>();
  const admit = ({ name }: PeerIdentity): Admission =>
    denied.has(name) ? { kind: 'refused', reason: 'denied' } : { kind: 'heard' };
  const nodes = await Promise.all([openNode('n1', { admit }), openNode('n2'), openNode('n3')]);
  const [n1, other, third] = nodes;
  try {
    await connectAll(nodes);
    denied.add('n2');
    n1.transport.sweep();
    assert.equal(n1.transport.isUp(n2), false);
    assert.equal(n1.transport.isUp(n3), true);
    await until('it is told', () => other.links.some((line) => line.includes('denied')));
    const told = n1.refused.length;
    await until('it tries again in vain', () => n1.refused.length > told);
    other.transport.send([heartbeat('n2', 'n1')]);
    third.transport.send([heartbeat('n3', 'n1')]);
    await until('the third is heard', () => n1.messages.length > 0);
    assert.deepEqual(n1.messages, [heartbeat('n3', 'n1')]);
  } finally {
    await closeAll(nodes);
  }
});

test('EXP-01 a link outlives its certificate by the grace, not longer', async () => {
  let aheadMs = 0;
  const wallMs = (): number => Date.now() + aheadMs;
  const nodes = [await openNode('n1', { wallMs }), await openNode('n2')] as const;
  const [n1] = nodes;
  try {
    await connectAll(nodes);
    const lifeMs = 366 * 1.1 * 86_400_000;
    aheadMs = lifeMs / 2;
    n1.transport.sweep();
    assert.equal(n1.transport.isUp(n2), true);
    aheadMs = lifeMs + 25 * 3_600_000;
    n1.transport.sweep();
    assert.equal(n1.transport.isUp(n2), false);
    assert.ok(n1.refused.includes('certificate_expired'));
  } finally {
    await closeAll(nodes);
  }
});

test('ROLL-01 an authority is replaced step by step, each node in turn, and no link is lost', async () => {
  const next = createAuthority({ kind: 'peer', cluster, generation: 2 });
  const both = peerCa.certificate + next.certificate;
  const materials = new Map(['n1', 'n2'].map((name) => [name, materialOf(name)]));
  const openWith = (name: string): Promise<TestNode> =>
    openNode(name, { material: () => materials.get(name) ?? assert.fail(name) });
  const nodes = [await openWith('n1'), await openWith('n2')] as const;
  const issued = (name: string): PeerMaterial => ({
    ...issueNode({ authority: next, cluster, name: nodeNameFrom(name), hosts: ['127.0.0.1'] }),
    ca: both,
  });
  const trust = (ca: string) => (name: string) => {
    const { certificate, key } = materials.get(name) ?? assert.fail(name);
    return { certificate, key, ca };
  };
  try {
    await connectAll(nodes);
    for (const step of [trust(both), issued, trust(next.certificate)]) {
      for (const name of ['n1', 'n2']) {
        materials.set(name, step(name));
        const [n1, other] = nodes;
        assert.ok(n1.transport.isUp(n2) && other.transport.isUp(n1.name), 'links stay');
        // New links are made with what is in use now.
        for (const node of nodes) node.transport.setPeers(new Map());
        await until('all are down', () => !n1.transport.isUp(n2) && !other.transport.isUp(n1.name));
        await connectAll(nodes);
      }
    }
    const [n1] = nodes;
    const old = await dialAs('n3', n1, {}, { ...materialOf('n3'), ca: both });
    await until('the old authority counts no more', () => old.closed);
    assert.deepEqual(n1.refused, ['SELF_SIGNED_CERT_IN_CHAIN']);
  } finally {
    await closeAll(nodes);
  }
});

test('ROLL-01 a live link of an authority that is dropped is cut by the sweep, one that leads to what stays is not', async () => {
  const next = createAuthority({ kind: 'peer', cluster, generation: 2 });
  let own = materialOf('n1');
  const nodes = [await openNode('n1', { material: () => own }), await openNode('n2')] as const;
  const [n1] = nodes;
  try {
    await connectAll(nodes);
    const told = [...n1.links];
    own = { ...own, ca: peerCa.certificate + next.certificate };
    n1.transport.sweep();
    assert.deepEqual([n1.refused, n1.links], [[], told], 'neither end of the link was cut');
    assert.equal(n1.transport.isUp(n2), true);
    own = { ...own, ca: next.certificate };
    n1.transport.sweep();
    assert.equal(n1.transport.isUp(n2), false);
    assert.ok(n1.refused.includes('the authority of this certificate is trusted no more'));
  } finally {
    await closeAll(nodes);
  }
});

test('what is sent without a link, or to oneself, is dropped', async () => {
  const n1 = await openNode('n1');
  try {
    n1.transport.send([heartbeat('n1', 'n2'), heartbeat('n1', 'n1')]);
    assert.equal(n1.transport.silentMs(n2), Number.POSITIVE_INFINITY);
    assert.deepEqual(n1.messages, []);
  } finally {
    await n1.transport.close();
  }
});

test('a heartbeat sent behind the largest frame arrives before it', async () => {
  const nodes = [await openNode('n1'), await openNode('n2')] as const;
  const [n1, other] = nodes;
  try {
    await connectAll(nodes);
    const large = append('n1', 'n2', Buffer.alloc(15 * 1024 * 1024, 7));
    n1.transport.send([large, heartbeat('n1', 'n2')]);
    await until('both', () => other.messages.length === 2);
    assert.deepEqual(
      other.messages.map(({ kind }) => kind),
      ['heartbeat', 'append'],
    );
    assert.deepEqual(other.messages[1], large);
  } finally {
    await closeAll(nodes);
  }
});

test('messages of one kind arrive in the order in which they were sent, though there are two connections', async () => {
  const nodes = [await openNode('n1'), await openNode('n2')] as const;
  const [n1, other] = nodes;
  try {
    // The connection that a node dialled itself is the one that it sends on, also when the other's
    // is made meanwhile.
    n1.transport.setPeers(new Map([[n2, other.address]]));
    await until('it is up', () => n1.transport.isUp(n2));
    other.transport.setPeers(new Map([[n1.name, n1.address]]));
    const sizes: number[] = [];
    for (let round = 1; round <= 10; round++) {
      for (const size of [4 * 1024 * 1024, round]) {
        sizes.push(size);
        n1.transport.send([append('n1', 'n2', Buffer.alloc(size))]);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await until('both', () => other.messages.length === sizes.length);
    }
    assert.deepEqual(
      other.messages.map((message) => message.kind === 'append' && message.entries[0]?.data.length),
      sizes,
    );
  } finally {
    await closeAll(nodes);
  }
});

test('a peer that takes nothing costs a bounded number of bytes and is left in the end', async () => {
  const nodes = [await openNode('n1'), await openNode('n2')] as const;
  const [n1, other] = nodes;
  const relay = await openRelay(other.transport.port);
  try {
    n1.transport.setPeers(new Map([[n2, relay.address]]));
    await until('it is up', () => n1.transport.isUp(n2));
    relay.stop();
    const data = Buffer.alloc(8 * 1024 * 1024);
    const before = arrayBuffersHeld();
    for (let count = 0; count < 20; count++) {
      n1.transport.send([append('n1', 'n2', data)]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const grown = arrayBuffersHeld() - before;
    assert.ok(grown < 100 * 1024 * 1024, `160 MiB were sent, ${grown} bytes are held`);
    const refusal = await callTo(n1, n2, Buffer.from('x'));
    assert.deepEqual(refusal, {
      kind: 'failed',
      reason: 'too much waits to be sent',
      sent: false,
    });
  } finally {
    await closeAll(nodes);
    relay.server.close();
  }
});

test('addresses: names, IPv4, bracketed IPv6; nothing else is dialled', async () => {
  assert.deepEqual(hostPortFrom('n1.lan:4002'), { host: 'n1.lan', port: 4002 });
  assert.deepEqual(hostPortFrom('127.0.0.1:1'), { host: '127.0.0.1', port: 1 });
  assert.deepEqual(hostPortFrom('[::1]:65535'), { host: '::1', port: 65_535 });
  for (const text of ['', 'n1', 'n1:', 'n1:0', 'n1:65536', '::1:4002', '[n1]:4002', 'a b:1']) {
    assert.equal(hostPortFrom(text), undefined, text);
  }
  assert.deepEqual(await addressesOf('127.0.0.1'), ['127.0.0.1']);
  assert.ok((await addressesOf('localhost')).includes('127.0.0.1'));
});

test('a port that is taken is told as such', async () => {
  const n1 = await openNode('n1');
  try {
    await assert.rejects(openNode('n2', { listenPort: n1.transport.port }), {
      code: 'address_in_use',
    });
  } finally {
    await n1.transport.close();
  }
});
