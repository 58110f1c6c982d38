// Each CA is replaced twice in a row while every node takes writes: no write fails beyond one
// retry, and what the replaced CA signed opens nothing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { peerDialOptions } from '#tls/tls-options.ts';
import { eventually } from './cluster.ts';
import { FormedCluster } from './formed-cluster.ts';

const certsTool = fileURLToPath(new URL('../../certs-tool/main.ts', import.meta.url));
const three = [0, 1, 2] as const;
const taken = 'certificate files changed and are in use';

let cluster: FormedCluster;
let pids: readonly number[] = [];

before(async () => {
  cluster = await FormedCluster.prepare();
  const [second = '', third = ''] = await cluster.init(['n2', 'n3']);
  for (const run of [cluster.join(1, second), cluster.join(2, third)]) {
    await run.says(/is a member/);
  }
  pids = await Promise.all(three.map(async (at) => (await cluster.status(at)).processes.node));
  await cluster.execute(0, 'CREATE TABLE t (node INTEGER, n INTEGER)');
});
after(() => cluster.remove());

const certs = (at: number, ...name: readonly string[]): string =>
  join(cluster.data(at), 'certs', ...name);

const tool = async (...words: readonly string[]): Promise<void> => {
  const authority = ['--authority', join(cluster.data(0), 'authority')];
  await promisify(execFile)(process.execPath, [certsTool, ...words, ...authority]);
};

/** A CA, the certificate that a node has of it, and how the log calls that. */
type Replaced = { readonly kind: 'peer' | 'client'; readonly leaf: 'peer' | 'https' };
const peers: Replaced = { kind: 'peer', leaf: 'peer' };
const clients: Replaced = { kind: 'client', leaf: 'https' };

const rotate = (kind: string): Promise<void> => {
  const folders = three.flatMap((at) => ['--folder', certs(at)]);
  // The administrator's certificate is of the clients' CA, and its folder holds no CA to look at.
  const confirmed = kind === 'client' ? ['--confirm', 'user:admin'] : [];
  return tool('rotate', '--kind', kind, ...folders, ...confirmed);
};

/** How often node `at` has taken up new files. */
const takenBy = (at: number, { leaf }: Replaced): number =>
  readFileSync(join(cluster.data(at), 'node.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes(taken) && line.includes(`"certificate":"${leaf}"`)).length;

/** Changes a node's files and waits until they are in use. */
const change = async (at: number, what: Replaced, make: () => Promise<void>): Promise<void> => {
  const before = takenBy(at, what);
  await make();
  process.kill(pids[at] ?? 0, 'SIGHUP');
  await eventually('new files are in use', () => Promise.resolve(takenBy(at, what) > before));
};

/** All stages of one replacement, one node after the other in each. */
const replaceAuthority = async (what: Replaced): Promise<void> => {
  const trust = `${what.kind}-ca.crt`;
  const from = join(cluster.data(0), 'authority', trust);
  await rotate(what.kind);
  for (const at of three) await change(at, what, () => copyFile(from, certs(at, trust)));
  await rotate(what.kind);
  for (const at of three) {
    await change(at, what, () => tool('renew', certs(at, `${what.leaf}.crt`)));
  }
  if (what === clients) await tool('renew', join(cluster.data(0), 'admin.crt'));
  await rotate(what.kind);
  for (const at of three) await change(at, what, () => copyFile(from, certs(at, trust)));
};

/** What clients wait before they try again: links that were cut are dialled anew within 2 s. */
const retryMs = 5000;

/** Writes through one node; each write may be tried a second time. */
const writing = (at: number) => {
  const failed: string[] = [];
  const count = { done: 0, retried: 0 };
  let stopped = false;
  const write = async (n: number): Promise<string | undefined> => {
    const text = await cluster
      .execute(at, `INSERT INTO t VALUES (${at}, ${n})`)
      .catch((error: unknown) => String(error));
    return /"rows_affected":1/.test(text) ? undefined : text;
  };
  const loop = (async () => {
    for (let n = 0; !stopped; n++) {
      let fault = await write(n);
      if (fault !== undefined) {
        count.retried += 1;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
        fault = await write(n);
      }
      if (fault === undefined) count.done += 1;
      else failed.push(fault);
    }
  })();
  const stop = async () => {
    stopped = true;
    await loop;
    return failed;
  };
  return { count, stop };
};

/** Replaces a CA twice under load and looks whether each write was done, once. */
const replaceTwice = async (t: TestContext, what: Replaced): Promise<void> => {
  await cluster.execute(0, 'DELETE FROM t');
  const { raft } = (await cluster.status(0)).store;
  const loads = three.map(writing);
  t.after(() => Promise.all(loads.map((load) => load.stop())));
  await replaceAuthority(what);
  await replaceAuthority(what);
  const failed = await Promise.all(loads.map((load) => load.stop()));
  const counts = loads.map(({ count }) => `${count.done} (${count.retried} tried again)`);
  const { store } = await cluster.status(0);
  t.diagnostic(
    `writes through n1, n2, n3: ${counts.join(', ')}; term ${raft.term} to ${store.raft.term}`,
  );
  assert.deepEqual(failed, [[], [], []]);
  for (const [at, { count }] of loads.entries()) {
    const sql = `SELECT count(DISTINCT n) FROM t WHERE node = ${at}`;
    assert.match(await cluster.query(at, sql), new RegExp(`\\[\\[${count.done}\\]\\]`));
  }
  const trusted = readFileSync(certs(2, `${what.kind}-ca.crt`), 'utf8');
  assert.equal(trusted.match(/BEGIN CERT/g)?.length, 1);
};

/** How a connection ends: the error's code, `closed`, or that the server spoke. */
const ending = (options: ConnectionOptions): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ ...options, host: '127.0.0.1' });
    socket.on('data', () => resolve('let in'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.on('close', () => resolve('closed'));
  });

test('ROLL-01 TLS-04 the peer CA is replaced twice in a row under write load: no write fails beyond one retry', async (t) => {
  const old = {
    certificate: readFileSync(certs(1, 'peer.crt'), 'utf8'),
    key: readFileSync(certs(1, 'peer.key'), 'utf8'),
  };
  await replaceTwice(t, peers);
  for (const at of three) {
    const ca = readFileSync(certs(at, 'peer-ca.crt'), 'utf8');
    const port = cluster.portBase + 10 * at + 1;
    const ended = await ending({ ...peerDialOptions({ ...old, ca }), port });
    assert.match(ended, /UNKNOWN_CA|closed/, `the first CA's certificate at n${at + 1}`);
  }
});

test('ROLL-01 the CA of clients and HTTPS is replaced twice in a row under write load: no write fails beyond one retry, who trusts the first CA alone leaves', async (t) => {
  const first = readFileSync(certs(0, 'client-ca.crt'), 'utf8');
  await replaceTwice(t, clients);
  for (const at of three) {
    const port = cluster.portBase + 10 * at;
    const ended = await ending({ ca: first, port, ALPNProtocols: ['http/1.1'] });
    assert.match(
      ended,
      /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_/,
      `n${at + 1} for who trusts the first CA`,
    );
  }
});
