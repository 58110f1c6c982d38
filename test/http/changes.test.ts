// GET /db/changes: what comes, from where on, to whom, and how a stream ends.
import assert from 'node:assert/strict';
import { request as httpsRequest } from 'node:https';
import { type TestContext, test } from 'node:test';
import { hashPassword } from '#auth/password.ts';
import { eventually } from '../e2e/cluster.ts';
import { basic, openTestFront, type TestFront, testPassword, testUsers } from './test-front.ts';

/** An open stream: what came of it so far. */
interface Stream {
  readonly status: () => number;
  readonly text: () => string;
  readonly ended: () => boolean;
  readonly close: () => void;
}

const open = (
  context: TestContext,
  front: TestFront,
  path: string,
  { user = 'only-changes', headers = {} }: { user?: string; headers?: Record<string, string> } = {},
): Stream => {
  let status = 0;
  let text = '';
  let ended = false;
  const outgoing = httpsRequest(
    {
      host: '127.0.0.1',
      servername: 'localhost',
      port: front.port,
      ca: front.certificate.ca,
      path,
      headers: { Authorization: basic(user, testPassword), ...headers },
    },
    (incoming) => {
      status = incoming.statusCode ?? 0;
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      incoming
        .on('error', () => undefined)
        .on('close', () => {
          ended = true;
        });
    },
  );
  outgoing.on('error', () => undefined).end();
  context.after(() => outgoing.destroy());
  return {
    status: () => status,
    text: () => text,
    ended: () => ended,
    close: () => outgoing.destroy(),
  };
};

const until = (condition: () => boolean): Promise<unknown> =>
  eventually(String(condition), () => Promise.resolve(condition()));

const events = (stream: Stream): readonly string[] =>
  [...stream.text().matchAll(/^data: (.*)$/gm)].map(([, data]) => data ?? '');

const write = async (front: TestFront, ...statements: readonly string[]): Promise<void> => {
  const answer = await front.send('POST', '/db/execute', {
    user: 'admin',
    body: JSON.stringify(statements),
  });
  assert.equal(answer.status, 200, answer.text);
};

const capturing = (context: TestContext, authFile?: string): Promise<TestFront> =>
  openTestFront(context, { captures: true, ...(authFile === undefined ? {} : { authFile }) });

test('a stream tells of what was written before and after it began, and goes on where its client was', async (t) => {
  const front = await capturing(t);
  await write(front, 'CREATE TABLE t(id INTEGER PRIMARY KEY, a)', 'INSERT INTO t VALUES (1, 2)');
  const stream = open(t, front, '/db/changes?from=1');
  await until(() => events(stream).length === 1);
  await write(front, 'UPDATE t SET a = 3');
  await until(() => events(stream).length === 2);
  const [first, second] = events(stream).map((text) => JSON.parse(text) as { index: number });
  assert.deepEqual(
    { ...second, commit_timestamp: 0 },
    {
      index: second?.index,
      commit_timestamp: 0,
      events: [
        {
          op: 'UPDATE',
          table: 't',
          new_row_id: 1,
          old_row_id: 1,
          before: { id: 1, a: 2 },
          after: { id: 1, a: 3 },
        },
      ],
    },
  );
  const seen = { 'Last-Event-ID': String(first?.index) };
  const again = open(t, front, '/db/changes?from=1', { headers: seen });
  await until(() => events(again).length === 1);
  assert.deepEqual(events(again), events(stream).slice(1));
  const fresh = open(t, front, '/db/changes');
  await until(() => fresh.text().startsWith(': changes behind entry'));
  await write(front, 'DELETE FROM t');
  await until(() => events(fresh).length === 1);
  assert.match(events(fresh)[0] ?? '', /"op":"DELETE"/);
});

test('AZ-01 a stream holds only the tables that are asked for and that its user may read', async (t) => {
  const tables = { read: ['open', 'other'], write: [] };
  const user = {
    username: 'narrow',
    password: hashPassword(testPassword, 10),
    perms: ['changes'],
    tables,
  };
  const front = await capturing(t, JSON.stringify([...testUsers, user]));
  await write(front, 'CREATE TABLE open(a)', 'CREATE TABLE other(a)', 'CREATE TABLE secret(a)');
  const narrow = open(t, front, '/db/changes?from=1', { user: 'narrow' });
  const asked = open(t, front, '/db/changes?from=1&tables=OTHER,%20secret', { user: 'narrow' });
  const all = open(t, front, '/db/changes?from=1');
  await write(front, 'INSERT INTO secret VALUES (1)', 'INSERT INTO open VALUES (2)');
  await write(front, 'INSERT INTO secret VALUES (3)');
  await write(front, 'INSERT INTO other VALUES (4)');
  await until(() => all.text().includes('"a":4'));
  await until(() => narrow.text().includes('"a":4') && asked.text().includes('"a":4'));
  assert.deepEqual(
    all
      .text()
      .match(/"a":\d/g)
      ?.toSorted(),
    ['"a":1', '"a":2', '"a":3', '"a":4'],
  );
  assert.deepEqual(narrow.text().match(/"a":\d/g), ['"a":2', '"a":4']);
  assert.deepEqual(asked.text().match(/"a":\d/g), ['"a":4']);
  assert.ok(!narrow.text().includes('secret'));
});

test('where nothing is captured, and from an index that is gone, a stream is refused with its code', async (t) => {
  const off = await openTestFront(t);
  const refused = await off.send('GET', '/db/changes', { user: 'only-changes' });
  assert.equal(refused.status, 404);
  assert.match(refused.text, /"code":"changes_off"/);
  const front = await capturing(t);
  for (const seen of ['x', '-1', '1e3', '9'.repeat(16)]) {
    const headers = { 'Last-Event-ID': seen };
    const answer = await front.send('GET', '/db/changes', { user: 'only-changes', headers });
    assert.equal(answer.status, 400, seen);
  }
});

test('ID-02 a stream ends when its user is removed, and all end with the front', async (t) => {
  const front = await capturing(t);
  const one = open(t, front, '/db/changes');
  const other = open(t, front, '/db/changes', { user: 'admin' });
  await until(() => one.status() === 200 && other.status() === 200);
  front.writeAuthFile(
    JSON.stringify(testUsers.filter(({ username }) => username !== 'only-changes')),
  );
  front.front.cutOff(front.auth.reload());
  await until(() => one.ended());
  assert.ok(!other.ended());
  await front.front.close(5000);
  await until(() => other.ended());
  assert.match(other.text(), /event: error\ndata: .*"code":"shutting_down"/);
});

test('DOS-08 one user opens so many streams of changes and no more, and what is closed makes room', async (t) => {
  const front = await capturing(t);
  const streams = Array.from({ length: 16 }, () => open(t, front, '/db/changes'));
  await until(() => streams.every((stream) => stream.status() === 200));
  const refused = await front.send('GET', '/db/changes', { user: 'only-changes' });
  assert.equal(refused.status, 429);
  const other = open(t, front, '/db/changes', { user: 'admin' });
  await until(() => other.status() === 200);
  for (const stream of streams) stream.close();
  await eventually('a place for another stream', async () => {
    const again = open(t, front, '/db/changes');
    await until(() => again.status() !== 0);
    if (again.status() === 200) return true;
    again.close();
    return false;
  });
});
