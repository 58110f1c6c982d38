// The users of a running node: the auth file is followed, a bad one changes nothing, and a front
// that ends meanwhile starts with the last good one.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hashPassword } from '#auth/password.ts';
import { Cluster, eventually, stockade } from './cluster.ts';

const password = 'a password of the tests';
const entry = { username: 'eve', password: hashPassword(password, 10), perms: ['status'] };
let cluster: Cluster;

before(async () => {
  cluster = await Cluster.start(1);
});
after(() => cluster.remove());

/** 0 when the connection was cut, which is what happens to those who are removed. */
const statusOf = (name: string): Promise<number> =>
  cluster.ask(0, '/whoami', { user: { name, password } }).then(
    ({ status }) => status,
    () => 0,
  );

/** Process ids of the fronts, as /status shows them. */
const fronts = async (): Promise<readonly number[]> => {
  const { json } = await cluster.ask(0, '/status');
  return (json as { processes: { fronts: { pids: number[] } } }).processes.fronts.pids;
};

test('a user that is added to the file can log in, one that is removed cannot', async () => {
  const first = readFileSync(cluster.file.auth, 'utf8');
  const users = JSON.parse(first) as object[];
  writeFileSync(cluster.file.auth, JSON.stringify([...users, entry]));
  await eventually('eve is known', async () => (await statusOf('eve')) === 200);
  writeFileSync(cluster.file.auth, first);
  await eventually('eve is gone', async () => (await statusOf('eve')) === 401);
});

test('AUTH-10 a file that is broken changes nothing, not even for a front that starts anew', async () => {
  const first = readFileSync(cluster.file.auth, 'utf8');
  writeFileSync(cluster.file.auth, first.slice(0, -10));
  const reply = await cluster.ask(0, '/auth/reload', { method: 'POST' });
  assert.equal(reply.status, 422, reply.text);
  const [front = assert.fail()] = await fronts();
  process.kill(front, 'SIGKILL');
  const other = await eventually('another front answers', async () => {
    const pids = await fronts().catch(() => []);
    return pids.find((pid) => pid !== front);
  });
  assert.notEqual(other, front);
  writeFileSync(cluster.file.auth, first);
  const good = await cluster.ask(0, '/auth/reload', { method: 'POST' });
  assert.equal(good.status, 200, good.text);
});

test('AUD-01 AUD-06 what was done is in the audit log of the node, and it verifies', async () => {
  const [node = assert.fail()] = cluster.file.nodes;
  const path = join(node.data, 'audit', 'audit.log');
  await cluster.ask(0, '/leader', { method: 'POST' });
  const text = await eventually('the line is there', async () => {
    const now = readFileSync(path, 'utf8');
    return now.includes('"action":"POST /leader","status"') && now;
  });
  const events = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; action?: string; code?: string });
  assert.equal(events[0]?.event, 'start');
  assert.ok(events.some(({ event, code }) => event === 'users' && code === 'auth_file_invalid'));
  assert.ok(events.some(({ action }) => action === 'POST /auth/reload'));
  const whole = await stockade(['audit', 'verify', path]);
  assert.equal(whole.code, 0, whole.stderr);
  const copy = join(cluster.folder, 'copy.log');
  writeFileSync(copy, text.replace('"event":"users"', '"event":"login"'));
  const changed = await stockade(['audit', 'verify', copy]);
  assert.equal(changed.code, 1);
  assert.match(changed.stderr, /line \d+: it was changed/);
});
