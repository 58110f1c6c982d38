// Canaries: a row, a token, a passphrase-like password. Everything that nodes say to each other
// passes through a proxy that keeps it; afterwards nobody finds a canary in the traffic, in logs,
// in arguments and environments of processes, nor a secret in the data. Files stay private under an
// open umask.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { tokenFrom, tokenText } from '#cluster/token.ts';
import { eventually } from './cluster.ts';
import { familyOf } from './family.ts';
import { FormedCluster } from './formed-cluster.ts';
import type { Running } from './running.ts';

const row = 'canary-row-4f1d9c27aa5e';
let cluster: FormedCluster;
let token = '';
let nodes: readonly Running[] = [];
const openMask = 0;
let maskBefore = 0;

/** Forwards to a port of this machine and keeps every byte of both directions. */
class Tap {
  readonly kept: Buffer[] = [];
  readonly #server: Server;

  constructor(target: number) {
    this.#server = createServer((near) => {
      const far = connect(target, '127.0.0.1');
      near.on('data', (chunk) => this.kept.push(chunk));
      far.on('data', (chunk) => this.kept.push(chunk));
      for (const socket of [near, far]) socket.on('error', () => undefined);
      near.pipe(far).pipe(near);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.kept);
  }
}

const proxies: Tap[] = [];
const proxyTo = async (port: number): Promise<{ proxy: Tap; address: string }> => {
  const proxy = new Tap(port);
  proxies.push(proxy);
  return { proxy, address: await proxy.listen() };
};

const password = (): string => readFileSync(join(cluster.data(0), 'admin.password'), 'utf8').trim();

/** A secret in the forms in which it could be lying about. */
const formsOf = (secret: Buffer | string): readonly string[] => {
  const bytes = Buffer.from(secret);
  return ['latin1', 'hex', 'base64', 'base64url'].map((form) =>
    bytes.toString(form as 'latin1' | 'hex' | 'base64' | 'base64url').replace(/=+$/, ''),
  );
};

/** What must never be found anywhere but where it belongs. */
const secrets = (): readonly string[] => [
  ...formsOf(Buffer.from(tokenFrom(token).seed)),
  token,
  ...formsOf(password()),
  ...formsOf(`admin:${password()}`),
  'PRIVATE KEY',
];

const assertNone = (where: string, content: string, wanted: readonly string[]): void => {
  for (const secret of wanted) assert.ok(!content.includes(secret), `a canary in ${where}`);
};

before(async () => {
  maskBefore = process.umask(openMask);
  cluster = await FormedCluster.prepare();
  [token = ''] = await cluster.init(['n2']);
  const { proxy, address } = await proxyTo(cluster.portBase + 2);
  const through = tokenText({ ...tokenFrom(token), addresses: [address] });
  await cluster.join(1, through).says(/n2 is a member/);
  assert.ok(proxy.bytes.length > 1000, 'the join passed through the proxy');
  await cluster.stopAll();
  const starting: Running[] = [];
  for (const at of [0, 1]) {
    const peer = await proxyTo(cluster.portBase + 10 * at + 1);
    const config = join(cluster.data(at), 'node.yaml');
    const advertise = ['--peer.advertise', peer.address];
    starting.push(cluster.start(['run', '--config', config, ...advertise]));
  }
  nodes = starting;
  for (const node of nodes) await node.says(/serving/);
});
after(async () => {
  process.umask(maskBefore);
  for (const proxy of proxies) proxy.close();
  await cluster.remove();
});

const filesUnder = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

test('TLS-01 what nodes and newcomers say to each other shows no row, no token and no password to who listens', async () => {
  await cluster.execute(0, 'CREATE TABLE t (a)');
  // One node forwards to the other, whoever leads; both replicate.
  for (const at of [0, 1]) {
    const text = await cluster.execute(at, `INSERT INTO t VALUES ('${row}')`);
    assert.match(text, /"rows_affected":1/);
  }
  for (const at of [0, 1]) assert.match(await cluster.query(at, 'SELECT a FROM t'), /canary-row/);
  const heard = proxies.map((proxy) => proxy.bytes);
  // A large write, so that it is certain that the data went through the proxies.
  const before = heard.reduce((sum, bytes) => sum + bytes.length, 0);
  const large = row.repeat(20_000);
  await cluster.execute(0, `INSERT INTO t VALUES ('${large}')`);
  await eventually('the large row passed through', () =>
    Promise.resolve(
      proxies.reduce((sum, proxy) => sum + proxy.bytes.length, 0) > before + large.length,
    ),
  );
  for (const proxy of proxies) {
    assertNone('the traffic', proxy.bytes.toString('latin1'), [...secrets(), ...formsOf(row)]);
  }
});

test('LEAK-06 logs, /status and the data hold no secret, and logs no row', async () => {
  const logs = [
    ...nodes.map((node) => node.stderr + node.stdout),
    ...[0, 1].map((at) => readFileSync(join(cluster.data(at), 'node.log'), 'utf8')),
  ];
  for (const log of logs) assertNone('a log', log, [...secrets(), ...formsOf(row)]);
  for (const at of [0, 1]) {
    const { status, text } = await cluster.ask(at, '/status');
    assert.equal(status, 200);
    assertNone('/status', text, [...secrets(), row]);
  }
  const data = [0, 1].flatMap((at) => filesUnder(join(cluster.data(at), 'data')));
  const contents = data.map((path) => readFileSync(path, 'latin1'));
  assert.ok(
    contents.some((content) => content.includes(row)),
    'the row is where it belongs: the search can find something',
  );
  for (const [at, content] of contents.entries()) assertNone(data[at] ?? '', content, secrets());
});

test('LEAK-06 a backup holds rows and no secret', async () => {
  const leader = (await cluster.status(0)).store.leader.node_id;
  const { status, text } = await cluster.ask(leader === 'n1' ? 0 : 1, '/db/backup?fmt=sql');
  assert.equal(status, 200, text);
  assert.ok(text.includes(row));
  assertNone('the backup', text, secrets());
});

/** What /proc says of a process; empty when it has ended: some do one thing and go. */
const saidOf = (pid: number, name: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
};

test('LEAK-06 no process shows a secret or a row in its arguments or environment', async (t) => {
  if (process.platform !== 'linux') {
    t.skip('needs /proc');
    return;
  }
  const status = JSON.parse((await cluster.ask(0, '/status')).text) as {
    processes: { node: number };
  };
  const family = familyOf(status.processes.node);
  assert.ok(family.length >= 3, `node, writer and front at least: ${family.length}`);
  for (const pid of family) {
    for (const name of ['cmdline', 'environ']) {
      const content = saidOf(pid, name);
      assertNone(`/proc/${pid}/${name}`, content, [...secrets(), row]);
    }
  }
});

test('LEAK-06 PERM-07 no process of a node can leave a core file, or makes files for others', async (t) => {
  if (process.platform !== 'linux' || !existsSync('/usr/bin/prlimit')) {
    t.skip('needs /proc and prlimit');
    return;
  }
  const { processes } = JSON.parse((await cluster.ask(0, '/status')).text) as {
    processes: { node: number };
  };
  const family = familyOf(processes.node);
  assert.ok(family.length >= 3, `node, writer and front at least: ${family.length}`);
  for (const pid of family) {
    const limits = saidOf(pid, 'limits');
    if (limits !== '') assert.match(limits, /^Max core file size +0 +0 /m, `process ${pid}`);
    const status = saidOf(pid, 'status');
    if (status !== '') assert.match(status, /^Umask:\t0077$/m, `process ${pid}`);
  }
});

test('PERM-05 PERM-06 PERM-07 PERM-08 under an open umask every file of a node is 0600 and every folder 0700, certificates aside', () => {
  for (const at of [0, 1]) {
    const entries = readdirSync(cluster.data(at), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      // The nodes run: a file may be gone by now.
      const found = statSync(path, { throwIfNoEntry: false });
      if (found === undefined) continue;
      const mode = found.mode & 0o777;
      const isPublic = entry.isFile() && /\.(?:crt|crl)$/.test(entry.name);
      assert.equal(mode & (isPublic ? 0o022 : 0o077), 0, `${path} has mode ${mode.toString(8)}`);
    }
  }
});
