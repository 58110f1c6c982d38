// A secure cluster of three by three commands and two pastes: separate processes, separate folders,
// no key and no certificate copied by anybody.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { tokenFrom } from '#cluster/token.ts';
import { eventually, stockade } from './cluster.ts';
import { FormedCluster } from './formed-cluster.ts';
import type { Running } from './running.ts';

let cluster: FormedCluster;
let tokens: readonly string[] = [];
let third: Running;
let initMs = 0;

before(async () => {
  cluster = await FormedCluster.prepare();
  const since = performance.now();
  tokens = await cluster.init(['n2', 'n3']);
  initMs = performance.now() - since;
});
after(() => cluster.remove());

const filesUnder = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

test('init --admit and two joins: three voters, data of one readable on the others', async (t) => {
  const [second = '', last = ''] = tokens;
  assert.match(second, /^STK1-n2-/);
  assert.match(last, /^STK1-n3-/);
  const since = performance.now();
  const joining = cluster.join(1, second);
  third = cluster.join(2, last);
  await joining.says(/^n2 is a member: n1 \(voter\), n2 \(voter\)/m);
  await third.says(/^n3 is a member: n1 \(voter\), n2 \(\w+\), n3 \(voter\)/m);
  // Nobody pastes here: all of it is the machine's.
  const joinMs = performance.now() - since;
  t.diagnostic(`init ${initMs.toFixed(0)} ms, two joins at once ${joinMs.toFixed(0)} ms`);
  await eventually('all three vote', async () => {
    const { nodes } = (await cluster.status(0)).store;
    return nodes.length === 3 && nodes.every(({ suffrage }) => suffrage === 'voter');
  });

  assert.doesNotMatch(
    await cluster.execute(0, 'CREATE TABLE t (a)', "INSERT INTO t VALUES ('of n1')"),
    /error/,
  );
  for (const at of [1, 2]) assert.match(await cluster.query(at, 'SELECT a FROM t'), /"of n1"/);
});

test('every key is in one folder only, secrets are 0600, a joined node holds no CA key', () => {
  const contents = [0, 1, 2].map((at) => filesUnder(cluster.data(at)));
  const keys = contents.flat().filter((path) => path.endsWith('.key'));
  assert.equal(new Set(keys.map((path) => readFileSync(path, 'utf8'))).size, keys.length);
  for (const path of keys) assert.equal(statSync(path).mode & 0o777, 0o600, path);
  for (const at of [1, 2]) {
    const names = contents[at]?.filter((path) => path.endsWith('.key')) ?? [];
    assert.deepEqual(names.map((path) => path.slice(cluster.data(at).length)).sort(), [
      '/certs/https.key',
      '/certs/peer.key',
    ]);
    assert.equal(statSync(join(cluster.data(at), 'auth.json')).mode & 0o777, 0o600);
    assert.equal(statSync(join(cluster.data(at), 'data', 'admin.sock')).mode & 0o777, 0o600);
  }
  assert.equal(statSync(cluster.data(1)).mode & 0o777, 0o700);
});

test('nothing that a token holds is on any disk or in any log: not the line, not its seed', () => {
  const secrets = tokens.flatMap((token) => {
    const seed = Buffer.from(tokenFrom(token).seed);
    return [token, seed.toString('latin1'), seed.toString('hex'), seed.toString('base64')];
  });
  for (const path of [0, 1, 2].flatMap((at) => filesUnder(cluster.data(at)))) {
    const content = readFileSync(path, 'latin1');
    assert.ok(!secrets.some((secret) => content.includes(secret)), path);
  }
});

test('one of three dies and the cluster goes on; it comes back with `run` and has everything', async () => {
  await third.stop();
  assert.doesNotMatch(await cluster.execute(1, "INSERT INTO t VALUES ('of n2')"), /error/);
  assert.match(await cluster.query(0, 'SELECT count(*) FROM t'), /\[\[2\]\]/);
  const again = cluster.start(['run', '--config', join(cluster.data(2), 'node.yaml')]);
  await again.says(/"msg":"serving"/);
  assert.match(await cluster.query(2, 'SELECT count(*) FROM t'), /\[\[2\]\]/);
  await again.stop();
});

test('a node whose disk is lost is removed, and its name joins again with an empty folder', async () => {
  const removed = await stockade(['remove', 'n3', '--data', cluster.data(0)]);
  assert.equal(removed.code, 0, removed.stderr);
  const { run, tokens: lines } = await cluster.admit(0, ['n3']);
  rmSync(cluster.data(2), { recursive: true });
  const joining = cluster.join(2, lines[0] ?? '');
  await joining.says(/^n3 is a member: n1 \(voter\), n2 \(voter\), n3 \(voter\)/m);
  assert.equal(await run.ended(), 0);
  assert.match(await cluster.query(2, 'SELECT count(*) FROM t'), /\[\[2\]\]/);
});

test('a port that is taken is named before anybody is asked', async () => {
  const { run, tokens: lines } = await cluster.admit(0, ['n4']);
  const taken = cluster.join(1, lines[0] ?? '', [], join(cluster.folder, 'n4'));
  assert.equal(await taken.ended(), 78);
  assert.match(
    taken.stderr,
    /the port of the API 127\.0\.0\.1:\d+ cannot be opened: another program has it\n {2}Choose another one with --http-port\./,
  );
  await run.stop();
});

test('the join listener is closed when the last grant is used', async () => {
  const refused = await eventually('nobody listens for newcomers any more', async () => {
    const late = cluster.join(3, tokens[0] ?? '');
    await late.ended();
    return late.stderr.includes('no node takes newcomers') ? late : undefined;
  });
  assert.equal(refused.code, 4);
});

test('a second init in a folder is refused with the way on, and changes nothing', async () => {
  const config = join(cluster.data(0), 'node.yaml');
  const before = readFileSync(config, 'utf8');
  const again = await stockade([
    ...['init', '--name', 'n9', '--advertise', '127.0.0.1'],
    ...['--data', dirname(config)],
  ]);
  assert.equal(again.code, 5);
  assert.equal(
    again.stderr,
    `stockade: a node is prepared in ${dirname(config)} already\n` +
      `  Start it with: stockade run --config ${config}; for another node choose another folder with --data DIR.\n`,
  );
  assert.equal(readFileSync(config, 'utf8'), before);
});
