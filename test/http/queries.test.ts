// What is under way is shown to those who may see it and ended by those who may; nobody's values
// are shown to anybody.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ReadReply } from '#http/backend.ts';
import type { SlowRequest } from '#http/running/running-requests.ts';
import { shownText } from '#http/running/shown-text.ts';
import { jsonOf, openTestFront, type TestFront } from './test-front.ts';

const user = 'admin';

interface Listed {
  readonly id: string;
  readonly user: string;
  readonly state: string;
  readonly text: string;
  readonly statements: number;
}

const listed = async ({ send }: TestFront): Promise<readonly Listed[]> => {
  const answer = await send('GET', '/queries', { user: 'only-status' });
  assert.equal(answer.status, 200, answer.text);
  return (jsonOf(answer) as { readonly queries: readonly Listed[] }).queries;
};

/** The one request that is under way, once it has come so far. */
const listedAs = async (front: TestFront, state: string): Promise<Listed> => {
  for (;;) {
    const [one] = await listed(front);
    if (one?.state === state) return one;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

const codeOf = (text: string): string => (JSON.parse(text) as { readonly code: string }).code;

/** A front whose reads are answered when the test says so. */
const heldFront = async (
  context: TestContext,
): Promise<{ readonly front: TestFront; readonly answerReads: () => void }> => {
  const front = await openTestFront(context);
  const held: ((reply: ReadReply) => void)[] = [];
  front.backend.read = (_request, done) => held.push(done);
  const rows = { kind: 'rows', json: Buffer.from('{}'), error: '', schemaIndex: 0 } as const;
  return {
    front,
    answerReads: () => {
      for (const done of held.splice(0)) done({ ...rows, microseconds: 1 });
    },
  };
};

test('a read that runs is listed by the id of its request, and ended for its client by a coded error', async (context) => {
  const { front, answerReads } = await heldFront(context);
  const read = front.send('POST', '/db/query', {
    user: 'only-query',
    body: '[["SELECT ? + 12345, \'secret\'",1],"SELECT 2"]',
  });
  const one = await listedAs(front, 'reading');
  const { user: whose, text, statements } = one;
  assert.deepEqual([whose, text, statements], ['only-query', 'SELECT ? + ?, ?', 2]);
  const ended = await front.send('DELETE', `/queries/${one.id}`, { user: 'only-kill' });
  assert.equal(ended.status, 200, ended.text);
  const answer = await read;
  assert.equal(answer.status, 409);
  assert.equal(codeOf(answer.text), 'killed');
  assert.equal(answer.headers['x-request-id'], one.id);
  assert.deepEqual(front.backend.cancelled, [one.id], 'the readers were told');
  answerReads();
  assert.deepEqual(await listed(front), []);
  const again = await front.send('DELETE', `/queries/${one.id}`, { user: 'only-kill' });
  assert.equal(codeOf(again.text), 'not_found');
});

test('a write that is ended while it is judged never reaches the log', async (context) => {
  const front = await openTestFront(context);
  let judged: (() => void) | undefined;
  const { judge } = front.backend;
  front.backend.judge = (request, done) => {
    judged = () => judge(request, done);
  };
  const write = front.send('POST', '/db/execute', { user, body: '["CREATE TABLE t(a)"]' });
  const { id } = await listedAs(front, 'judging');
  assert.equal((await front.send('DELETE', `/queries/${id}`, { user })).status, 200);
  const answer = await write;
  assert.equal(answer.status, 409);
  assert.match(answer.text, /"code":"killed".*"applied":"no"/);
  front.backend.judge = judge;
  judged?.();
  const tables = await front.send('GET', '/db/query?q=SELECT+count(*)+FROM+sqlite_schema', {
    user,
  });
  assert.match(tables.text, /\[\[0\]\]/);
  assert.equal(front.backend.calls.propose, 0);
});

test('a write that the node has cannot be ended by the front, and says so', async (context) => {
  const front = await openTestFront(context);
  let proposed: (() => void) | undefined;
  const { propose } = front.backend;
  front.backend.propose = (proposal, done) => {
    proposed = () => propose(proposal, done);
  };
  const write = front.send('POST', '/db/execute', { user, body: '["CREATE TABLE t(a)"]' });
  const { id } = await listedAs(front, 'proposed');
  const refused = await front.send('DELETE', `/queries/${id}`, { user });
  assert.equal(refused.status, 409);
  assert.match(refused.text, /"code":"not_killable".*"applied":"no"/);
  proposed?.();
  assert.equal((await write).text, '{"results":[{}]}');
});

test('a request that the leader runs is listed at both nodes under one id, and ended at the leader', async (context) => {
  const follower = await openTestFront(context);
  const leading = await openTestFront(context);
  const leader = { name: 'n2', apiUrl: 'https://127.0.0.1:4003', peerAddress: '127.0.0.1:4004' };
  follower.backend.assumed = { role: 'follower', leader };
  follower.backend.leaderFront = (bytes, done) => leading.front.serveForwarded(bytes, done);
  leading.backend.read = () => {};
  const read = follower.send('GET', '/db/query?q=SELECT+1', { user });
  const here = await listedAs(follower, 'forwarded');
  const there = await listedAs(leading, 'reading');
  assert.equal(here.id, there.id);
  const refused = await follower.send('DELETE', `/queries/${here.id}`, { user });
  assert.equal(codeOf(refused.text), 'not_killable');
  assert.equal((await leading.send('DELETE', `/queries/${here.id}`, { user })).status, 200);
  const answer = await read;
  assert.equal(answer.status, 409);
  assert.equal(codeOf(answer.text), 'killed');
});

test('AUD-01 the end of a request is in the audit log before it is done, with its id and who did it', async (context) => {
  const front = await openTestFront(context);
  await front.send('DELETE', '/queries/one-7', { user: 'only-kill' });
  await front.send('DELETE', '/queries/one-7', { user: 'only-status' });
  const lines = front.audited
    .filter(({ event }) => event !== 'login')
    .map(({ event, user: who, action, code = '' }) => `${event} ${who} ${action} ${code}`.trim());
  assert.deepEqual(lines, [
    'administration only-kill DELETE /queries/one-7',
    'administered only-kill DELETE /queries/one-7 not_found',
    'denied only-status DELETE /queries/one-7 permission_denied',
  ]);
});

test('other methods of a path with an id are 405 and name the right one; a longer path is 404', async (context) => {
  const { send } = await openTestFront(context);
  const get = await send('GET', '/queries/x', { user });
  assert.equal(get.status, 405);
  assert.equal(get.headers.allow, 'DELETE');
  assert.equal((await send('DELETE', '/queries', { user })).status, 405);
  assert.equal((await send('DELETE', '/queries/', { user })).status, 404);
  assert.equal((await send('DELETE', '/queries/x/y', { user })).status, 404);
});

test('LEAK-01 a request that takes long is told with its text, without values; a quick one is not', async (context) => {
  const slow: SlowRequest[] = [];
  let now = 0;
  const front = await openTestFront(context, {
    front: { nowMs: () => now, slowMs: 1000, onSlow: (one) => slow.push(one) },
  });
  const { read } = front.backend;
  await front.send('POST', '/db/query', { user, body: '[["SELECT ?","swordfish"]]' });
  assert.equal(slow.length, 0);
  front.backend.read = (request, done) => {
    now += 1000;
    read(request, done);
  };
  await front.send('POST', '/db/query', {
    user,
    body: '[["SELECT \'swordfish\', ?, x\'00ff\'","swordfish"]]',
  });
  assert.equal(slow.length, 1);
  assert.equal(slow[0]?.text, 'SELECT ?, ?, ?');
  assert.equal(slow[0]?.ms, 1000);
  assert.equal(slow[0]?.user, user);
  assert.doesNotMatch(JSON.stringify(slow), /swordfish/);
  const samples = front.front.samples().filter(({ name }) => name.includes('slow'));
  assert.deepEqual(
    samples.map(({ value }) => value),
    [1],
  );
});

test('texts are shown without values, comments and control characters, and are cut', () => {
  const shown = (text: string): string => shownText(text, false);
  assert.equal(
    shown("INSERT INTO t1(a, \"b 2\") VALUES('it''s', 1.5e-3,-7, x'ab', ?1, :p2)"),
    'INSERT INTO t1(a, "b 2") VALUES(?, ?,-?, ?, ?1, :p2)',
  );
  assert.equal(shown("SELECT 1 -- 'password'\n, /* hidden */ a\u001b[31m"), 'SELECT ? , a [31m');
  assert.equal(shown("SELECT 'unterminated secret"), 'SELECT ?');
  assert.equal(shown('SELECT .5, 0xff, [1 name], `2`'), 'SELECT ?, ?, [1 name], `2`');
  assert.equal(shownText('SELECT "secret", a', true), 'SELECT ?, a');
  assert.equal(shown('x'.repeat(300)), `${'x'.repeat(200)}…`);
  assert.equal(shown(`SELECT '${'s'.repeat(5000)}', 'behind'`), 'SELECT ?…');
  assert.equal(shown(''), '');
});
