// The users of a running node: the auth file is followed, a bad one changes nothing, and a front
// that ends meanwhile starts with the last good one.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { hashPassword } from '#auth/password.ts';
import { Cluster, eventually } from './cluster.ts';

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
