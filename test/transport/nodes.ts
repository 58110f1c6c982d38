// Transports of one test cluster: real certificates, real TLS on loopback, ports chosen by the
// kernel. Records what each node hears; tests wait for conditions, never for time to pass.
import { hash } from 'node:crypto';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueNode } from '#certs-tool/issue.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { type NodeName, nodeNameFrom } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import { logIndex } from '#raft/log-index.ts';
import type { Append, Heartbeat, Message } from '#raft/message.ts';
import { nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import { openTransport } from '#transport/open-transport.ts';
import type { CallReply, Transport, TransportOptions } from '#transport/transport.ts';

export const cluster = clusterIdFrom('0123456789abcdef0123456789abcdef');
export const peerCa = createAuthority({ kind: 'peer', cluster });

export const materialOf = (name: string, authority = peerCa): PeerMaterial => {
  const issued = issueNode({
    authority,
    cluster,
    name: nodeNameFrom(name),
    hosts: ['127.0.0.1'],
  });
  return { ...issued, ca: authority.certificate };
};

export const storeIdOf = (name: string) => storeIdFrom(hash('sha256', name, 'hex').slice(0, 32));

export interface TestNode {
  readonly name: NodeName;
  readonly transport: Transport;
  readonly messages: Message[];
  readonly links: string[];
  readonly refused: string[];
  readonly address: string;
}

/** A transport that records; a call is answered with its payload, reversed. */
export const openNode = async (
  name: string,
  overrides: Partial<TransportOptions> = {},
): Promise<TestNode> => {
  const material = materialOf(name);
  const messages: Message[] = [];
  const links: string[] = [];
  const refused: string[] = [];
  const transport = await openTransport({
    cluster,
    self: nodeNameFrom(name),
    storeId: storeIdOf(name),
    featureLevel: 1,
    advertise: '',
    engine: 'test',
    listenHost: '127.0.0.1',
    listenPort: 0,
    material: () => material,
    denied: () => undefined,
    admit: () => ({ kind: 'heard' }),
    onMessages: (_from, arrived) => messages.push(...arrived),
    onCall: (_from, _method, payload, reply) => reply(Buffer.from(payload).reverse()),
    onImage: (_from, _image, incoming) => incoming.refuse('not wanted'),
    onLink: (peer, up, reason) => links.push(`${peer} ${up ? 'up' : 'down'}: ${reason}`),
    onRefused: (_address, reason) => refused.push(reason),
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    random: () => Math.random(),
    ...overrides,
  });
  const address = `127.0.0.1:${transport.port}`;
  return { name: nodeNameFrom(name), transport, messages, links, refused, address };
};

/** Waits until a condition holds; fails when it does not within ten seconds. */
export const until = async (what: string, condition: () => boolean): Promise<void> => {
  const endMs = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

/** Tells every node of all others and waits until each can send to each. */
export const connectAll = async (nodes: readonly TestNode[]): Promise<void> => {
  const addresses = new Map(nodes.map(({ name, address }) => [name, address]));
  for (const { transport } of nodes) transport.setPeers(addresses);
  await until('all links up', () =>
    nodes.every(({ transport, name }) =>
      nodes.every((other) => other.name === name || transport.isUp(other.name)),
    ),
  );
};

export const closeAll = async (nodes: readonly TestNode[]): Promise<void> => {
  await Promise.all(nodes.map(({ transport }) => transport.close()));
};

export const callTo = (
  from: TestNode,
  to: NodeName,
  payload: Uint8Array,
  deadlineMs = 5000,
): Promise<CallReply> =>
  new Promise((resolve) => from.transport.call(to, 7, payload, deadlineMs, resolve));

export const heartbeat = (from: string, to: string, readContext = 0): Heartbeat => ({
  kind: 'heartbeat',
  from: nodeId(from),
  to: nodeId(to),
  term: term(3),
  commitIndex: logIndex(1),
  readContext,
});

export const append = (from: string, to: string, data: Uint8Array, prevIndex = 0): Append => ({
  kind: 'append',
  from: nodeId(from),
  to: nodeId(to),
  term: term(3),
  prevIndex: logIndex(prevIndex),
  prevTerm: term(prevIndex === 0 ? 0 : 2),
  commitIndex: logIndex(prevIndex),
  entries: [{ index: logIndex(prevIndex + 1), term: term(3), kind: 'command', data }],
});
