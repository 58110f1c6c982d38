// Addresses from a real etcd, over TLS with client certificates and with a user's password. Debian
// has it as `etcd-server`; without it these tests are skipped and say so.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueHttps } from '#certs-tool/issue.ts';
import type { Discovery } from '#cluster/discovery/discovery.ts';
import { etcdDiscovery } from '#cluster/discovery/etcd-discovery.ts';
import { askStore, type StoreAccess } from '#cluster/discovery/json-request.ts';
import { clusterIdFromBytes } from '#identity/cluster-id.ts';

const hasEtcd = ((): boolean => {
  try {
    execFileSync('etcd', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
const skip = hasEtcd ? false : 'etcd is not installed (Debian: etcd-server)';

const password = 'correct horse battery staple';
let folder = '';
let etcd: ChildProcess;
let access: StoreAccess;
let peerPort = 0;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });

const post = async (path: string, body: unknown): Promise<void> => {
  const asked = { method: 'POST', path, headers: {}, body: JSON.stringify(body) } as const;
  const { status, text } = await askStore(access, asked);
  assert.equal(status, 200, text);
};

before(async () => {
  if (!hasEtcd) return;
  folder = mkdtempSync(join(tmpdir(), 'stockade-etcd-'));
  const cluster = clusterIdFromBytes(Buffer.alloc(16, 7));
  const authority = createAuthority({ kind: 'client', cluster });
  const pair = issueHttps({ authority, cluster, hosts: ['127.0.0.1'] });
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const paths = {
    ca: file('ca.crt', authority.certificate),
    certificate: file('etcd.crt', pair.certificate),
    key: file('etcd.key', pair.key),
  };
  const port = await freePort();
  peerPort = await freePort();
  const url = `https://127.0.0.1:${port}`;
  etcd = spawn(
    'etcd',
    [
      ...['--data-dir', join(folder, 'data'), '--log-level', 'error'],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', `http://127.0.0.1:${peerPort}`],
      ...['--initial-advertise-peer-urls', `http://127.0.0.1:${peerPort}`],
      ...['--initial-cluster', `default=http://127.0.0.1:${peerPort}`],
      ...['--cert-file', paths.certificate, '--key-file', paths.key],
    ],
    { stdio: 'ignore', env: { PATH: process.env['PATH'] ?? '', ETCD_UNSUPPORTED_ARCH: 'arm64' } },
  );
  access = { endpoints: ['https://127.0.0.1:9', url], ca: authority.certificate };
  for (let attempt = 0; ; attempt++) {
    try {
      await post('/v3/kv/range', { key: 'YQ==' });
      break;
    } catch (error) {
      if (attempt > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  await post('/v3/auth/user/add', { name: 'root', password });
  await post('/v3/auth/role/add', { name: 'root' });
  await post('/v3/auth/user/grant', { user: 'root', role: 'root' });
  await post('/v3/auth/enable', {});
});
after(async () => {
  if (!hasEtcd) return;
  const ended = new Promise((resolve) => etcd.once('exit', resolve));
  etcd.kill();
  await ended;
  rmSync(folder, { recursive: true, force: true });
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
