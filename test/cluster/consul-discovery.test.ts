// Addresses from Consul's keys, against a stand-in that checks what it is sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { consulDiscovery } from '#cluster/discovery/consul-discovery.ts';
import type { Discovery } from '#cluster/discovery/discovery.ts';
import { ConsulServer } from './consul-server.ts';

const nodeAt = (server: ConsulServer, name: string, token = server.token): Discovery =>
  consulDiscovery({
    ...{ prefix: 'db/stockade', name, address: `192.0.2.${name.slice(1)}:4002` },
    ...{ token, datacenter: 'dc1', access: { endpoints: ['http://127.0.0.1:9', server.endpoint] } },
  });

const textsOf = async (discovery: Discovery) => (await discovery.places()).map(({ text }) => text);

test('nodes find each other under their prefix, keep their session, and are forgotten when they go', async (context) => {
  const server = await ConsulServer.start('a secret');
  context.after(() => server.close());
  const [first, second] = [nodeAt(server, 'n1'), nodeAt(server, 'n2')];
  assert.deepEqual(await textsOf(first), ['192.0.2.1:4002']);
  assert.deepEqual(await textsOf(second), ['192.0.2.1:4002', '192.0.2.2:4002']);
  await textsOf(first);
  assert.equal(server.sessions, 2);
  server.expireSessions();
  assert.deepEqual(await textsOf(first), ['192.0.2.1:4002']);
  await first.close();
  assert.deepEqual(await textsOf(second), ['192.0.2.2:4002']);
  assert.deepEqual([...server.keys.keys()], ['db/stockade/nodes/n2']);
  assert.deepEqual(server.refused, []);
});

test('who founds is written once; whoever comes later reads it', async (context) => {
  const server = await ConsulServer.start('a secret');
  context.after(() => server.close());
  assert.equal(await nodeAt(server, 'n1').claim('one'), 'one');
  assert.equal(await nodeAt(server, 'n1').claim('one'), 'one');
  assert.equal(await nodeAt(server, 'n2').claim('another'), 'one');
});

test('a server that fails for a moment is asked again; a wrong token is told', async (context) => {
  const server = await ConsulServer.start('a secret');
  context.after(() => server.close());
  server.failures = 1;
  assert.deepEqual(await textsOf(nodeAt(server, 'n1')), ['192.0.2.1:4002']);
  await assert.rejects(nodeAt(server, 'n2', 'wrong').places(), /Consul refuses .*: 403/);
});
