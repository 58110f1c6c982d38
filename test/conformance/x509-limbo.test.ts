// Certificate paths of x509-limbo in real handshakes: shown to the peer port, to the API's port and
// to the peer dialler. None of them names a node or a user of ours, so none is ever accepted; the
// written list holds those that must fail and that nothing but the name refuses.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type ConnectionOptions,
  connect,
  createServer as createTls,
  type TLSSocket,
} from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { nodeNameFrom } from '#identity/node-name.ts';
import { httpsServerOptions } from '#tls/tls-options.ts';
import { identifyUser } from '#tls/user-identity.ts';
import { openPeerListener } from '#transport/peer-listener.ts';
import { cluster, materialOf, openNode, until } from '../transport/nodes.ts';

interface LimboCase {
  readonly id: string;
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly peer_certificate_key: string | null;
  readonly expected_result: 'SUCCESS' | 'FAILURE';
}

const folder = join(import.meta.dirname, 'x509-limbo');
const { testcases } = JSON.parse(
  gunzipSync(readFileSync(join(folder, 'limbo.json.gz'))).toString(),
) as { testcases: readonly LimboCase[] };
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
  readonly refusedForNameOnly: Readonly<Record<string, string>>;
};
const cases = testcases.filter((one) => typeof one.peer_certificate_key === 'string');

/** What stops a case before anybody asks for its name, or `name`. */
type Stop = 'not shown' | 'chain' | 'certificate' | 'name' | 'nothing';

const nameReasons = new Set(['not_one_uri', 'uri_malformed', 'other_cluster', 'other_kind']);
const certificateReasons = new Set([
  'certificate_authority',
  'wrong_purpose',
  'wrong_key_usage',
  'bad_serial',
  'names_unreadable',
]);

const stopOf = (reason: string): Stop => {
  if (nameReasons.has(reason)) return 'name';
  return certificateReasons.has(reason) ? 'certificate' : 'chain';
};

/** As an attacker shows it: no rule of this side may keep a weak key back. */
const shownBy = (one: LimboCase): ConnectionOptions => ({
  cert: [one.peer_certificate, ...one.untrusted_intermediates].join('\n'),
  key: one.peer_certificate_key ?? '',
  ciphers: 'DEFAULT:@SECLEVEL=0',
  minVersion: 'TLSv1.3',
});

/** An empty text would mean the system's authorities. */
const trustOf = (one: LimboCase): string =>
  one.trusted_certs.length === 0 ? materialOf('n9').ca : one.trusted_certs.join('\n');

const dial = (one: LimboCase, port: number, alpn: string): TLSSocket | undefined => {
  try {
    const socket = connect({
      ...shownBy(one),
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ALPNProtocols: [alpn],
    });
    socket.on('error', () => undefined);
    return socket;
  } catch {
    // This TLS library cannot even load it.
    return undefined;
  }
};

const atPeerPort = async (one: LimboCase): Promise<Stop> => {
  const refused: string[] = [];
  let proved = false;
  const material = { ...materialOf('n1'), ca: trustOf(one) };
  const listener = await openPeerListener({
    host: '127.0.0.1',
    port: 0,
    cluster,
    material: () => material,
    onProved: () => {
      proved = true;
    },
    onMeeting: (socket) => socket.destroy(),
    onRefused: (_address, reason) => refused.push(reason),
    monotonicMs: () => performance.now(),
  });
  const socket = dial(one, listener.port, 'stockade-peer/1');
  if (socket !== undefined) await until(one.id, () => proved || refused.length > 0);
  socket?.destroy();
  await listener.close();
  if (socket === undefined) return 'not shown';
  return proved ? 'nothing' : stopOf(refused[0] ?? '');
};

const atApi = async (one: LimboCase): Promise<Stop> => {
  const { certificate, key } = materialOf('n1');
  const options = httpsServerOptions({ certificate, key, clientCa: trustOf(one) });
  let stop: Stop | undefined;
  const server = createHttps(options);
  server.on('secureConnection', (socket: TLSSocket) => {
    const identity = identifyUser(socket, cluster);
    if (identity.kind === 'user') stop = 'nothing';
    else if (identity.kind === 'none') stop = 'not shown';
    else stop = identity.reason === 'not_authorized' ? 'chain' : stopOf(identity.reason);
  });
  server.on('tlsClientError', () => {
    stop = 'chain';
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = dial(one, (server.address() as AddressInfo).port, 'http/1.1');
  if (socket === undefined) stop = 'not shown';
  await until(one.id, () => stop !== undefined);
  socket?.destroy();
  server.close();
  return stop ?? 'nothing';
};

const atDialler = async (one: LimboCase): Promise<Stop> => {
  const material = { ...materialOf('n1'), ca: trustOf(one) };
  let heard = 0;
  let server: ReturnType<typeof createTls>;
  try {
    const { cert, key, ciphers, minVersion } = shownBy(one);
    const options = { cert, key, ciphers, minVersion, ALPNProtocols: ['stockade-peer/1'] };
    server = createTls(options, (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        heard += bytes.length;
      });
    });
  } catch {
    return 'not shown';
  }
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const node = await openNode('n1', { material: () => material });
  const { port } = server.address() as AddressInfo;
  node.transport.setPeers(new Map([[nodeNameFrom('n2'), `127.0.0.1:${port}`]]));
  await until(one.id, () => node.links.length > 0);
  await node.transport.close();
  server.close();
  assert.equal(heard, 0, `${one.id}: not a byte is said to it`);
  const [said = ''] = node.links;
  return said.startsWith('n2 down: ') ? stopOf(said.slice('n2 down: '.length)) : 'nothing';
};

for (const [where, show] of [
  ['the peer port', atPeerPort],
  ['the API', atApi],
  ['the peer dialler', atDialler],
] as const) {
  test(`TLS-16 TLS-20 TLS-21 TLS-24 x509-limbo at ${where}: nothing is accepted, and what must fail fails before its name is asked, but for the list`, async (t) => {
    const stops = new Map<Stop, number>();
    const forName: string[] = [];
    for (const one of cases) {
      const stop = await show(one);
      stops.set(stop, (stops.get(stop) ?? 0) + 1);
      assert.notEqual(stop, 'nothing', `${one.id} is accepted`);
      if (stop === 'name' && one.expected_result === 'FAILURE') forName.push(one.id);
    }
    t.diagnostic(`${where}: ${[...stops].map(([stop, count]) => `${stop} ${count}`).join(', ')}`);
    const listed = new Set(Object.keys(expected.refusedForNameOnly));
    assert.deepEqual(
      forName.filter((id) => !listed.has(id)),
      [],
    );
    for (const id of forName) seen.add(id);
  });
}

const seen = new Set<string>();

test('every case on the written list is still refused for its name only somewhere', () => {
  assert.deepEqual([...seen].sort(), Object.keys(expected.refusedForNameOnly).sort());
});
