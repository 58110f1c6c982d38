// All certificates of a cluster end: it goes on with the links it has, says what is wrong and what
// to do, refuses to start, and comes back with one offline command a node and every row in place.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { oidServerAuth } from '#certs-tool/oid.ts';
import { type Changes, issueHostile, namesOf, uriOf } from '../tls/hostile-certificates.ts';
import { eventually } from './cluster.ts';
import { FormedCluster } from './formed-cluster.ts';
import type { Running } from './running.ts';

const certsTool = fileURLToPath(new URL('../../certs-tool/main.ts', import.meta.url));
/** Long enough for running nodes to take them up on a busy machine. */
const lifeMs = 8000;
const three = [0, 1, 2] as const;

let cluster: FormedCluster;

before(async () => {
  cluster = await FormedCluster.prepare();
  const [second = '', third = ''] = await cluster.init(['n2', 'n3']);
  const joins = [cluster.join(1, second), cluster.join(2, third)];
  for (const run of joins) await run.says(/is a member/);
  await cluster.execute(0, 'CREATE TABLE t (a)', 'INSERT INTO t VALUES (1), (2), (3)');
});
after(() => cluster.remove());

/** Certificates of everybody that end at a moment; names, keys, authorities are the true ones. */
const shorten = (notAfter: Date): void => {
  const authorityFolder = join(cluster.data(0), 'authority');
  const read = (...path: readonly string[]): string => readFileSync(join(...path), 'utf8');
  const authority = (kind: string): Changes['authority'] => ({
    certificate: read(authorityFolder, `${kind}-ca.crt`),
    key: read(authorityFolder, `${kind}-ca.g1.key`),
  });
  for (const at of three) {
    const certs = join(cluster.data(at), 'certs');
    const { cluster: id } = JSON.parse(read(cluster.data(at), 'data', 'identity.json')) as {
      cluster: string;
    };
    const write = (name: string, changes: Changes): void => {
      const key = read(certs, `${name}.key`);
      const { certificate } = issueHostile({ ...changes, key, notAfter });
      writeFileSync(join(certs, `${name}.crt`), certificate);
    };
    const uri = uriOf(`n${at + 1}`, 'node', id);
    const [peer, client] = [authority('peer'), authority('client')];
    assert.ok(peer !== undefined && client !== undefined);
    write('peer', { authority: peer, names: namesOf(uri), subject: `n${at + 1}` });
    write('https', {
      authority: client,
      names: namesOf(undefined),
      purposes: [oidServerAuth],
      subject: '127.0.0.1',
    });
  }
};

const run = (at: number): Running =>
  cluster.start(['run', '--config', join(cluster.data(at), 'node.yaml')]);

/** A request of a client that does not look at certificates, for theirs have ended. */
const askBlindly = (at: number, path: string, body?: string): Promise<[number, string]> =>
  new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: cluster.portBase + 10 * at,
        path,
        method: body === undefined ? 'GET' : 'POST',
        rejectUnauthorized: false,
        auth: `admin:${readFileSync(join(cluster.data(0), 'admin.password'), 'utf8').trim()}`,
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        agent: false,
      },
      (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        answer.on('end', () => resolve([answer.statusCode ?? 0, text]));
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });

/** Every file of a data folder, as one hash. */
const contentOf = (folder: string): string => {
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const name of names) hash.update(name).update(readFileSync(name));
  return hash.digest('hex');
};

test('EXP-01 EXP-02 EXP-03 all certificates end: said in words everywhere, and one command a node brings everything back', async () => {
  const pids = await Promise.all(
    three.map(async (at) => (await cluster.status(at)).processes.node),
  );
  const end = new Date(Math.ceil((Date.now() + lifeMs) / 1000) * 1000);
  shorten(end);
  for (const pid of pids) process.kill(pid, 'SIGHUP');
  for (const at of three) {
    await eventually('it says that it is not ready, and why', async () => {
      const [status, text] = await askBlindly(at, '/readyz');
      return status === 503 && text.includes(`certificate peer expired on ${end.toISOString()}`);
    });
  }
  await assert.rejects(cluster.ask(0, '/readyz'), { code: 'CERT_HAS_EXPIRED' });
  for (const at of three) {
    for (const name of ['peer', 'https']) {
      const said = new RegExp(
        `certificate ${name} expired on .*renew it with stockade-certs renew`,
      );
      await eventually('the log says so', () =>
        Promise.resolve(said.test(readFileSync(join(cluster.data(at), 'node.log'), 'utf8'))),
      );
    }
  }
  // Links that were up stay for the grace: nothing stops by surprise.
  const insert = JSON.stringify(['INSERT INTO t VALUES (4)']);
  for (const at of three) {
    const [status, text] = await askBlindly(at, '/db/execute', insert);
    assert.equal(status, 200, text);
    assert.doesNotMatch(text, /error/);
  }
  await cluster.stopAll();
  const starts = three.map(run);
  for (const refused of starts) {
    assert.equal(await refused.ended(), 78);
    assert.match(
      refused.stderr,
      /the peer certificate expired on .*\n {2}Renew it with `stockade-certs renew`/,
    );
  }
  for (const at of three) {
    const data = join(cluster.data(at), 'data');
    const before = contentOf(data);
    const authority = join(cluster.data(0), 'authority');
    const renew = ['renew', join(cluster.data(at), 'certs'), '--authority', authority];
    const renewed = spawnSync(process.execPath, [certsTool, ...renew], { encoding: 'utf8' });
    assert.equal(renewed.status, 0, renewed.stderr);
    assert.equal(contentOf(data), before, 'data untouched');
  }
  for (const node of three.map(run)) await node.says(/serving/);
  assert.match(await cluster.query(0, 'SELECT count(*) FROM t'), /\[\[6\]\]/);
  assert.doesNotMatch(await cluster.execute(2, 'INSERT INTO t VALUES (5)'), /error/);
  assert.equal((await cluster.ask(1, '/readyz')).status, 200);
});
