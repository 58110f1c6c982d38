// Configuration: precedence, unknown names, bounds, relative paths.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CodedError } from '#errors.ts';
import { addressText, type ConfigSources, configFrom } from '#node/config.ts';
import { settings } from '#node/settings.ts';
import { version } from '#node/version.ts';

const complete = `
node: { name: n1, data: data }
http: { certificate: https.crt, key: https.key }
peer: { certificate: peer.crt, key: peer.key, ca: ca.crt }
auth: { file: /etc/auth.json }
`;

const sources = (over: Partial<ConfigSources> = {}): ConfigSources => ({
  flags: new Map(),
  environment: {},
  file: { path: '/srv/stockade/node.yaml', text: complete },
  ...over,
});

const refusal = (over: Partial<ConfigSources>): CodedError => {
  try {
    configFrom(sources(over));
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error('it was accepted');
};

test('paths are relative to the file they stand in, defaults fill the rest', () => {
  const config = configFrom(sources());
  assert.equal(config.node.data, '/srv/stockade/data');
  assert.equal(config.auth.file, '/etc/auth.json');
  assert.equal(addressText(config.http.listen), '127.0.0.1:4001');
  assert.equal(addressText(config.http.advertise), '127.0.0.1:4001');
  assert.equal(config.http.clientCa, undefined);
});

test('flag beats environment beats file beats default', () => {
  const file = { path: '/x/node.yaml', text: `${complete}\nraft: { heartbeatMs: 101 }` };
  const environment = { STOCKADE_RAFT_HEARTBEAT_MS: '102', HOME: '/root' };
  const flags = new Map([['raft.heartbeatMs', '103']]);
  assert.equal(configFrom(sources({ file })).raft.heartbeatMs, 101);
  assert.equal(configFrom(sources({ file, environment })).raft.heartbeatMs, 102);
  assert.equal(configFrom(sources({ file, environment, flags })).raft.heartbeatMs, 103);
});

test('a port is of one listener only, with the host that stands for all as with the same one', () => {
  const refused = (settings: readonly [string, string][]): string =>
    refusal({ flags: new Map(settings) }).message;
  assert.match(
    refused([['peer.listen', '127.0.0.1:4001']]),
    /^http\.listen and peer\.listen are both/,
  );
  assert.match(refused([['peer.listen', '0.0.0.0:4001']]), /^http\.listen and peer\.listen/);
  assert.match(refused([['peer.listen', 'localhost:4001']]), /^http\.listen and peer\.listen/);
  // Newcomers are listened for on the port behind the peer port.
  assert.match(refused([['peer.listen', '127.0.0.1:4000']]), /^http\.listen and join\.listen/);
  const join = (at: string): string => refused([['join.listen', at]]);
  assert.match(join('127.0.0.1:4001'), /^http\.listen and join\.listen/);
  assert.match(join('127.0.0.1:4002'), /^peer\.listen and join\.listen/);
  const apart = [
    ['peer.listen', '127.0.0.2:4001'],
    ['join.listen', '127.0.0.1:0'],
  ] as const;
  configFrom(sources({ flags: new Map(apart) }));
  configFrom(
    sources({
      flags: new Map([
        ['peer.listen', '127.0.0.1:0'],
        ['http.listen', '127.0.0.1:0'],
      ]),
    }),
  );
});

test('an unknown key is refused with the nearest one, wherever it stands', () => {
  const file = { path: '/x/node.yaml', text: `${complete}\nraft: { heartbeetMs: 1 }` };
  assert.match(refusal({ file }).details.hint ?? '', /raft\.heartbeatMs/);
  const environment = { STOCKADE_HTTP_LISTN: 'x' };
  assert.match(refusal({ environment }).details.hint ?? '', /STOCKADE_HTTP_LISTEN/);
  const flags = new Map([['htp.listen', 'x']]);
  assert.match(refusal({ flags }).details.hint ?? '', /http\.listen/);
});

test('a missing setting, a wrong number, a wrong address: one sentence and the way out', () => {
  const file = { path: '/x/node.yaml', text: complete.replace('name: n1, ', '') };
  assert.match(refusal({ file }).message, /node\.name is not set/);
  const short = refusal({ flags: new Map([['raft.heartbeatMs', '1']]) });
  assert.match(short.details.hint ?? '', /10 to 10000/);
  const address = refusal({ flags: new Map([['http.listen', 'https://x:1']]) });
  assert.match(address.details.hint ?? '', /host:port/);
  const flag = refusal({ flags: new Map([['db.foreignKeys', 'yes']]) });
  assert.match(flag.details.hint ?? '', /true or false/);
});

test('a file that is no YAML, has a key twice or a list is refused', () => {
  for (const text of ['{', 'node: {name: a}\nnode: {name: b}', 'node: { name: [a] }', 'x: *y']) {
    assert.equal(refusal({ file: { path: '/x/node.yaml', text } }).code, 'config_invalid', text);
  }
});

test('docs/CONFIGURATION.md lists every setting with its default', () => {
  const page = readFileSync(new URL('../../docs/CONFIGURATION.md', import.meta.url), 'utf8');
  for (const { key, standard } of settings) {
    const line = page.split('\n').find((row) => row.startsWith(`| \`${key}\` |`));
    assert.ok(line !== undefined, `${key} is not in the page`);
    assert.ok(standard === undefined || standard === '' || line.includes(standard), line);
  }
});

test('the version is that of package.json', () => {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  assert.deepEqual((manifest as { version: string }).version, version);
});

test('origins are taken only as browsers write them', () => {
  const origins = (text: string): readonly string[] =>
    configFrom(sources({ flags: new Map([['http.allowOrigins', text]]) })).http.allowOrigins;
  assert.deepEqual(origins(''), []);
  assert.deepEqual(origins('https://a.example, http://b.example:8080'), [
    'https://a.example',
    'http://b.example:8080',
  ]);
  for (const wrong of [
    '*',
    'null',
    'https://A.example',
    'https://a.example/',
    'a.example',
    'https://a,',
  ]) {
    const { message } = refusal({ flags: new Map([['http.allowOrigins', wrong]]) });
    assert.match(message, /http\.allowOrigins holds/, wrong);
  }
});

test('the settings of the queue and of rqlite’s status codes reach the configuration', () => {
  assert.deepEqual(configFrom(sources()).queue, {
    depth: 1024,
    batch: 128,
    timeoutMs: 50,
    transaction: false,
  });
  assert.equal(configFrom(sources()).compat.statusCodes, false);
  const flags = new Map([
    ['queue.transaction', 'true'],
    ['compat.statusCodes', 'true'],
  ]);
  const { queue, compat } = configFrom(sources({ flags }));
  assert.deepEqual([queue.transaction, compat.statusCodes], [true, true]);
});

test('durations are off, or a number with its unit within their bounds', () => {
  const voterMs = (text: string): number | undefined =>
    configFrom(sources({ flags: new Map([['cluster.reap.voter', text]]) })).cluster.reap.voterMs;
  assert.deepEqual(
    [voterMs('off'), voterMs('90s'), voterMs('24h')],
    [undefined, 90_000, 86_400_000],
  );
  for (const wrong of ['0', '0h', '4s', '30', '1d', '10000h', '']) {
    const { message } = refusal({ flags: new Map([['cluster.reap.voter', wrong]]) });
    assert.match(message, /cluster\.reap\.voter is/, wrong);
  }
});

test('CFG-01 insecure.anonymous is off, takes permissions but no administration, and loopback only', () => {
  const of = (value: string, listen = '127.0.0.1:4001'): Partial<ConfigSources> => ({
    flags: new Map([
      ['insecure.anonymous', value],
      ['http.listen', listen],
    ]),
  });
  assert.deepEqual(configFrom(sources()).insecure.anonymous, []);
  assert.deepEqual(configFrom(sources(of('query, status'))).insecure.anonymous, [
    'query',
    'status',
  ]);
  assert.deepEqual(configFrom(sources(of('query', '[::1]:4001'))).insecure.anonymous, ['query']);
  for (const listen of ['0.0.0.0:4001', '192.0.2.1:4001', '[::]:4001', 'localhost:4001']) {
    assert.match(refusal(of('query', listen)).message, /not on loopback/, listen);
    assert.deepEqual(configFrom(sources(of('', listen))).insecure.anonymous, []);
  }
  for (const value of ['all', 'admin', 'query,admin', 'nothing', 'query,']) {
    assert.match(refusal(of(value)).message, /insecure\.anonymous holds/, value);
  }
});

test('how a cluster is found: settings that contradict each other are refused with the way out', () => {
  const wrong = (entries: readonly [string, string][]): string =>
    refusal({ flags: new Map(entries) }).message;
  const expect: [string, string] = ['cluster.bootstrapExpect', '3'];
  assert.match(wrong([expect]), /but not where the other nodes are/);
  assert.match(wrong([['cluster.join', 'n1']]), /cluster\.join holds "n1"/);
  const dns: [string, string] = ['cluster.discovery.mode', 'dns'];
  assert.match(wrong([dns]), /cluster\.discovery\.name is not set/);
  assert.match(
    wrong([['cluster.discovery.mode', 'etcd']]),
    /cluster\.discovery\.config is not set/,
  );
  const named: [string, string] = ['cluster.discovery.name', 'peers.example'];
  assert.match(wrong([dns, named, ['cluster.join', 'n1:4002']]), /are both set/);
  const nowhere: [string, string][] = [['peer.listen', '0.0.0.0:4002'], dns, named, expect];
  assert.match(wrong(nowhere), /cannot reach this node at 0\.0\.0\.0/);
  const { cluster } = configFrom(sources({ flags: new Map([dns, named, expect]) }));
  assert.deepEqual([cluster.bootstrapExpect, cluster.discovery?.name], [3, 'peers.example']);
});
