// Addresses from a real etcd, over TLS with client certificates and with a user's password. Debian
// has it as `etcd-server`; without it these tests are skipped and say so.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { createAuthority } from '#certs-tool/authority.ts';
import type { Discovery } from '#cluster/discovery/discovery.ts';
import { etcdDiscovery } from '#cluster/discovery/etcd-discovery.ts';
import { askStore, type StoreAccess } from '#cluster/discovery/json-request.ts';
import { clusterIdFromBytes } from '#identity/cluster-id.ts';
import { EtcdServer, hasEtcd } from './etcd-server.ts';

const skip = hasEtcd() ? false : 'etcd is not installed (Debian: etcd-server)';

const password = 'correct horse battery staple';
let etcd: EtcdServer;
let access: StoreAccess;

const post = async (path: string, body: unknown): Promise<void> => {
  const asked = { method: 'POST', path, headers: {}, body: JSON.stringify(body) } as const;
  const { status, text } = await askStore(access, asked);
  assert.equal(status, 200, text);
};

before(async () => {
  if (!hasEtcd()) return;
  etcd = await EtcdServer.start();
  const ca = readFileSync(etcd.caFile, 'utf8');
  access = { endpoints: ['https://127.0.0.1:9', etcd.endpoint], ca };
  await post('/v3/auth/user/add', { name: 'root', password });
  await post('/v3/auth/role/add', { name: 'root' });
  await post('/v3/auth/user/grant', { user: 'root', role: 'root' });
  await post('/v3/auth/enable', {});
});
after(async () => {
  if (hasEtcd()) await etcd.stop();
});

const nodeAt = (name: string, secret = password): Discovery =>
  etcdDiscovery({
    ...{ prefix: 'db/stockade', name, address: `192.0.2.${name.slice(1)}:4002` },
    ...{ user: 'root', password: secret, access },
  });

const textsOf = async (discovery: Discovery) => (await discovery.places()).map(({ text }) => text);

test('nodes find each other in etcd over TLS as a user, keep their lease, and are forgotten when they go', {
  skip,
}, async () => {
  const [first, second] = [nodeAt('n1'), nodeAt('n2')];
  assert.deepEqual(await textsOf(first), ['192.0.2.1:4002']);
  assert.deepEqual(await textsOf(second), ['192.0.2.1:4002', '192.0.2.2:4002']);
  assert.deepEqual(await textsOf(first), ['192.0.2.1:4002', '192.0.2.2:4002']);
  await first.close();
  assert.deepEqual(await textsOf(second), ['192.0.2.2:4002']);
  await second.close();
});

test('a lease that is gone is taken anew', { skip }, async () => {
  const [node, again] = [nodeAt('n3'), nodeAt('n3')];
  await textsOf(node);
  // Its lease is revoked behind its back.
  await node.close();
  assert.deepEqual(await textsOf(node), ['192.0.2.3:4002']);
  await again.close();
  await node.close();
});

test('who founds is written once in etcd; whoever comes later reads it', { skip }, async () => {
  assert.equal(await nodeAt('n1').claim('one'), 'one');
  assert.equal(await nodeAt('n1').claim('one'), 'one');
  assert.equal(await nodeAt('n2').claim('another'), 'one');
});

test('a wrong password is told, and a certificate of another authority is not trusted', {
  skip,
}, async () => {
  await assert.rejects(nodeAt('n1', 'wrong').places(), /etcd does not know the user root so/);
  const cluster = clusterIdFromBytes(Buffer.alloc(16, 8));
  const ca = createAuthority({ kind: 'client', cluster }).certificate;
  const stranger = etcdDiscovery({
    ...{ prefix: 'p', name: 'n1', address: '192.0.2.1:4002', user: '', password: '' },
    access: { ...access, ca },
  });
  await assert.rejects(stranger.places(), /certificate|unable to verify/);
});
