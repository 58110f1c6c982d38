// Collectors that run for real against a cluster: Prometheus, as users with the permission
// `metrics` alone (password, token, certificate), which passes on to InfluxDB what it reads. And
// the text of /metrics by Prometheus' own linter.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { issueUser } from '#certs-tool/issue.ts';
import { families } from '#http/metrics/families.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { userNameFrom } from '#identity/user-name.ts';
import { Cluster, eventually, freePortBase, stockade } from './cluster.ts';

const prometheus = '/usr/bin/prometheus';
const promtool = '/usr/bin/promtool';
const influxd = '/usr/bin/influxd';
/** In no distribution: built from its Go module, see docs/WATCHING.md. */
const telegraf = process.env['STOCKADE_TELEGRAF'] ?? '/usr/bin/telegraf';
const configuredTelegraf = fileURLToPath(
  new URL('../../config/telegraf/telegraf.conf', import.meta.url),
);
const configured = fileURLToPath(
  new URL('../../config/prometheus/prometheus.yaml', import.meta.url),
);

let cluster: Cluster;

before(async () => {
  cluster = await Cluster.start(3);
  await cluster.execute(0, ['CREATE TABLE t (a)', 'INSERT INTO t VALUES (1)']);
});
after(() => cluster.remove());

const samplesOf = (text: string, name: string): readonly string[] =>
  text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));

const numberOf = (text: string, sample: string): number =>
  Number(new RegExp(`^${sample.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1] ?? 'NaN');

/** A connection that is no TLS. */
const refusedAt = (port: number): Promise<unknown> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n\r\n'));
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.on('close', resolve);
  });

// Backups, maintenance and capture have numbers where they are configured; here they are not.
test('a node that was used has a number for every family, but for what has not happened to it', async () => {
  await cluster.ask(0, '/nowhere');
  for (const { url } of cluster.file.nodes) await refusedAt(Number(new URL(url).port));
  const leader = (await cluster.leader()) ?? assert.fail('nobody leads');
  const text = await eventually('the writer has told its numbers', async () => {
    const { text: said } = await cluster.ask(leader, '/metrics');
    return numberOf(said, 'stockade_writer_batch_duration_seconds_count') > 0 ? said : undefined;
  });
  const silent = Object.entries(families).filter(([name, { type }]) => {
    const sample = type === 'histogram' ? `${name}_count` : name;
    return samplesOf(text, sample).length === 0;
  });
  assert.deepEqual(
    silent
      .map(([name]) => name)
      .filter((name) => !/^stockade_(backup|maintenance_last|changes|cdc)_/.test(name)),
    ['stockade_alarm'],
  );
  assert.ok(numberOf(text, 'stockade_log_sync_duration_seconds_count') > 0);
  assert.ok(numberOf(text, 'stockade_raft_commit_duration_seconds_count') > 0);
  assert.equal(samplesOf(text, 'stockade_raft_follower_lag_entries').length, 2);
  assert.deepEqual(
    samplesOf(text, 'stockade_peer_connected').map((line) => line.slice(-1)),
    ['1', '1'],
  );
  // The node's own knocking at its peer port, as a stranger would, is not counted.
  assert.deepEqual(samplesOf(text, 'stockade_connections_refused_total'), [
    'stockade_connections_refused_total{port="api",reason="handshake"} 1',
  ]);
  for (const kind of ['node', 'writer', 'front', 'reader']) {
    assert.ok(
      numberOf(text, `stockade_process_resident_memory_bytes{process="${kind}"}`) > 1e7,
      kind,
    );
  }
  const other = (await cluster.ask((leader + 1) % 3, '/metrics')).text;
  assert.equal(samplesOf(other, 'stockade_raft_follower_lag_entries').length, 0);
});

test('what /metrics says has no fault that promtool knows', async (t) => {
  if (!existsSync(promtool)) return t.skip('promtool (Debian: prometheus) is not here');
  const { text } = await cluster.ask(0, '/metrics');
  const ran = spawnSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.equal(`${ran.stdout}${ran.stderr}`, '');
  assert.equal(ran.status, 0);
});

/** Starts a program that ends with the test. */
const started = (t: TestContext, file: string, words: readonly string[]): ChildProcess => {
  const child = spawn(file, words, { stdio: 'ignore' });
  t.after(
    () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) resolve(undefined);
        child.once('exit', resolve);
        child.kill('SIGKILL');
      }),
  );
  return child;
};

const fetched = (port: number, path: string): Promise<string> =>
  new Promise((resolve) => {
    const asked = get({ host: '127.0.0.1', port, path, timeout: 5000 }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve(text));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(''));
  });

const tokenOf = async (user: string): Promise<string> => {
  const where = ['--file', cluster.file.auth];
  const made = await stockade(['user', 'token', 'add', user, '--ttl', '1d', ...where]);
  assert.equal(made.code, 0, made.stderr);
  return /\bstk_\S+|\b[A-Za-z0-9_-]{32,}\b/.exec(made.stdout)?.[0] ?? '';
};

/** A user with `metrics` alone, named by a password, a token or a certificate. */
const makeUsers = async (folder: string): Promise<void> => {
  const where = ['--file', cluster.file.auth];
  const password = join(folder, 'password');
  writeFileSync(password, 'fifteen bytes at the least', { mode: 0o600 });
  const perms = ['--perms', 'metrics'];
  for (const words of [
    ['user', 'add', 'prometheus', ...perms, '--password-file', password, ...where],
    ['user', 'add', 'by-token', ...perms, '--no-password', ...where],
    ['user', 'add', 'by-certificate', ...perms, '--no-password', ...where],
  ]) {
    const { code, stderr } = await stockade(words);
    assert.equal(code, 0, stderr);
  }
  writeFileSync(join(folder, 'token'), await tokenOf('by-token'), { mode: 0o600 });
  const authority = {
    certificate: readFileSync(cluster.file.ca, 'utf8'),
    key: readFileSync(join(cluster.file.authority, 'client-ca.key'), 'utf8'),
  };
  const { json } = await cluster.ask(0, '/status');
  const id = clusterIdFrom((json as { store: { cluster_id: string } }).store.cluster_id);
  const issued = issueUser({ authority, cluster: id, name: userNameFrom('by-certificate') });
  writeFileSync(join(folder, 'by-certificate.crt'), issued.certificate);
  writeFileSync(join(folder, 'by-certificate.key'), issued.key, { mode: 0o600 });
};

/** The configuration of config/prometheus for this cluster, and the same for the other ways in. */
const configurationText = (folder: string, influxPort: number): string => {
  const { scrape_configs: jobs } = parse(readFileSync(configured, 'utf8')) as {
    readonly scrape_configs: readonly Record<string, unknown>[];
  };
  const { basic_auth: basic, ...job } = jobs[0] ?? assert.fail('no job is configured');
  const tls = { ca_file: cluster.file.ca };
  const certificate = {
    cert_file: join(folder, 'by-certificate.crt'),
    key_file: join(folder, 'by-certificate.key'),
  };
  const targets = cluster.file.nodes.map(({ url }) => new URL(url).host);
  const common = { ...job, tls_config: tls, static_configs: [{ targets }] };
  return stringify({
    global: { scrape_interval: '1s' },
    remote_write: [{ url: `http://127.0.0.1:${influxPort}/api/v1/prom/write?db=stockade` }],
    scrape_configs: [
      {
        ...common,
        basic_auth: { ...(basic as object), password_file: join(folder, 'password') },
      },
      {
        ...common,
        job_name: 'by-token',
        authorization: { type: 'Bearer', credentials_file: join(folder, 'token') },
      },
      { ...common, job_name: 'by-certificate', tls_config: { ...tls, ...certificate } },
      { ...common, job_name: 'by-nobody' },
    ],
  });
};

/** The configuration of config/telegraf for this cluster. */
const telegrafText = (folder: string, influxPort: number): string => {
  const urls = cluster.file.nodes.map(({ url }) => `"${new URL('/metrics', url).href}"`);
  const changes: readonly (readonly [RegExp, string])[] = [
    [/^ {2}urls = \[\n[\s\S]*?\n {2}\]$/m, `  urls = [${urls.join(', ')}]`],
    [/^ {2}tls_ca = .*$/m, `  tls_ca = "${cluster.file.ca}"`],
    [/^ {2}bearer_token = .*$/m, `  bearer_token = "${join(folder, 'token')}"`],
    [/127\.0\.0\.1:8086/, `127.0.0.1:${influxPort}`],
  ];
  let text = readFileSync(configuredTelegraf, 'utf8');
  for (const [pattern, value] of changes) {
    assert.match(text, pattern);
    text = text.replace(pattern, value);
  }
  return text;
};

const influxText = (folder: string, port: number): string => `
reporting-disabled = true
bind-address = "127.0.0.1:${port + 1}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
[monitor]
  store-enabled = false
`;

const startInflux = async (t: TestContext, folder: string, port: number): Promise<void> => {
  const file = join(folder, 'influxdb.conf');
  writeFileSync(file, influxText(join(folder, 'influx'), port));
  started(t, influxd, ['-config', file]);
  await eventually('InfluxDB has a database', async () => {
    const query = encodeURIComponent('CREATE DATABASE stockade');
    // A GET does for a statement that changes nothing of ours.
    const made = await fetched(port, `/query?q=${query}`);
    return made.includes('"statement_id":0');
  });
};

test('Prometheus reads every node by password, token and certificate, nobody is let in without, and InfluxDB gets it all', async (t) => {
  if (!existsSync(prometheus)) return t.skip('prometheus (Debian: prometheus) is not here');
  const folder = join(cluster.folder, '..', 'collectors');
  mkdirSync(folder, { mode: 0o700 });
  await makeUsers(folder);
  const port = await freePortBase(1);
  const influxPort = port + 10;
  const hasInflux = existsSync(influxd);
  if (hasInflux) await startInflux(t, folder, influxPort);
  const file = join(folder, 'prometheus.yaml');
  writeFileSync(file, configurationText(folder, influxPort));
  const checked = spawnSync(promtool, ['check', 'config', file], { encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  started(t, prometheus, [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, 'prometheus')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  const query = async (expression: string): Promise<readonly Record<string, unknown>[]> => {
    const path = `/api/v1/query?query=${encodeURIComponent(expression)}`;
    const text = await fetched(port, path);
    // While it reads its own past it is not ready yet.
    if (!text.startsWith('{')) return [];
    return (JSON.parse(text) as { data: { result: Record<string, unknown>[] } }).data.result;
  };
  await eventually('three nodes by three ways', async () => (await query('up == 1')).length === 9);
  const outside = await eventually('the fourth way is closed', async () => {
    const found = await query('up == 0');
    return found.length === 3 ? found : undefined;
  });
  assert.match(JSON.stringify(outside), /by-nobody.*by-nobody.*by-nobody/);
  const leaders = await query('sum by (job) (stockade_raft_role{role="leader"})');
  assert.equal(leaders.length, 3);
  for (const { value } of leaders as { value: [number, string] }[]) assert.equal(value[1], '1');
  assert.ok(
    (await query('histogram_quantile(0.99, stockade_log_sync_duration_seconds_bucket)')).length > 0,
  );
  if (!hasInflux) return t.diagnostic('InfluxDB (Debian: influxdb) is not here');
  await eventually('InfluxDB has the term of each node', async () => {
    const sql = encodeURIComponent(
      "SELECT last(value) FROM stockade_raft_term WHERE job = 'stockade' GROUP BY instance",
    );
    const text = await fetched(influxPort, `/query?db=stockade&q=${sql}`);
    return text.match(/"instance"/g)?.length === 3;
  });
});

test('Telegraf takes the numbers of every node to InfluxDB, as a user with a token', async (t) => {
  if (!existsSync(telegraf) || !existsSync(influxd)) {
    return t.skip('Telegraf (STOCKADE_TELEGRAF) or InfluxDB is not here');
  }
  const folder = join(cluster.folder, '..', 'telegraf');
  mkdirSync(folder, { mode: 0o700 });
  const made = await stockade([
    ...['user', 'add', 'telegraf', '--perms', 'metrics', '--no-password'],
    ...['--file', cluster.file.auth],
  ]);
  assert.equal(made.code, 0, made.stderr);
  writeFileSync(join(folder, 'token'), await tokenOf('telegraf'), { mode: 0o600 });
  const influxPort = (await freePortBase(1)) + 10;
  await startInflux(t, folder, influxPort);
  const file = join(folder, 'telegraf.conf');
  writeFileSync(file, telegrafText(folder, influxPort));
  await eventually('InfluxDB has the term of each node', async () => {
    const ran = spawnSync(telegraf, ['--config', file, '--once'], { encoding: 'utf8' });
    // The nodes read their users anew now and then.
    if (ran.status !== 0) return undefined;
    const sql = encodeURIComponent(
      'SELECT * FROM prometheus WHERE stockade_raft_term > 0 GROUP BY url',
    );
    const text = await fetched(influxPort, `/query?db=stockade&q=${sql}`);
    return new Set(text.match(/"url":"[^"]+"/g)).size === 3;
  });
});
