// Judging: what is remembered, what is asked anew, and what may go into the log.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decodeCommand } from '#command/command-codec.ts';
import type { BackendVerdict } from '#http/backend.ts';
import { Judge, type Judged, type Judgement } from '#http/data/judge.ts';
import { VerdictCache } from '#http/data/verdict-cache.ts';
import { LocalBackend } from './local-backend.ts';
import { openTestFront } from './test-front.ts';

const openBackend = (context: TestContext): LocalBackend => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-judge-'));
  const backend = new LocalBackend(folder);
  context.after(() => {
    backend.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return backend;
};

/** A request of these texts, in this order. */
const requestOf = (...ordered: readonly string[]): Judged => {
  const texts = [...new Set(ordered)];
  const statements = ordered.map((text) => ({
    text: texts.indexOf(text),
    positional: [],
    named: [],
  }));
  return { user: 'ada', tables: undefined, requestId: 'r', texts, statements };
};

const judged = async (judge: Judge, request: Judged) => {
  const judgement = await new Promise<Judgement>((resolve) => judge.judge(request, resolve));
  return judgement.kind === 'judged' ? judgement : assert.fail(judgement.answer.message);
};

const allowed: BackendVerdict = {
  kind: 'allowed',
  access: 'read',
  returnsRows: true,
  parameters: 0,
  reads: [],
  writes: [],
  cost: 'small',
  copies: 1,
  frees: false,
  unordered: false,
};

test('a text that cannot be prepared goes into the log as its stand-in only', async (context) => {
  const judge = new Judge(openBackend(context), false, () => {});
  const { texts, faulty } = await judged(judge, requestOf('SELECT 1', 'SELECT * FROM nope'));
  assert.equal(faulty, true);
  assert.equal(texts[0], 'SELECT 1');
  assert.ok(!texts.includes('SELECT * FROM nope'));
});

test('a text that cannot be prepared now is not run when it can be at apply', async (context) => {
  const { send, backend } = await openTestFront(context);
  const proposed: string[] = [];
  const { propose } = backend;
  backend.propose = (proposal, done) => {
    proposed.push(...decodeCommand(proposal.command).texts);
    propose(proposal, done);
  };
  const body = '["INSERT INTO later VALUES(1)"]';
  const answer = await send('POST', '/db/execute', { user: 'admin', body });
  assert.equal(answer.text, '{"results":[{"error":"no such table: later"}]}');
  assert.equal(proposed.length, 1);
  assert.ok(!proposed.includes('INSERT INTO later VALUES(1)'));
});

test('a text used before and behind a change of the schema is judged at each place', async (context) => {
  const backend = openBackend(context);
  const judge = new Judge(backend, false, () => {});
  const insert = 'INSERT INTO t VALUES(1)';
  const { texts, statements, access } = await judged(
    judge,
    requestOf(insert, 'CREATE TABLE t(a)', insert),
  );
  assert.equal(access, 'schema');
  assert.equal(backend.calls.judge, 2);
  const run = statements.map((statement) => texts[statement.text]);
  assert.notEqual(run[0], insert);
  assert.deepEqual(run.slice(1), ['CREATE TABLE t(a)', insert]);
});

test('a trigger made in the request cannot hide behind a verdict from before it', async (context) => {
  const backend = openBackend(context);
  const judge = new Judge(backend, false, () => {});
  const request = requestOf(
    'CREATE TABLE t(a)',
    'INSERT INTO t VALUES(1)',
    `CREATE TRIGGER g AFTER INSERT ON t BEGIN
       INSERT INTO t SELECT a FROM t, t AS u, t AS v, t AS w; END`,
    'INSERT INTO t VALUES(1)',
  );
  await new Promise((resolve) => judge.judge(request, resolve));
  assert.equal(backend.calls.judge, 2);
});

test('verdicts behind a change of the schema are not remembered for requests without it', async (context) => {
  const backend = openBackend(context);
  const judge = new Judge(backend, false, () => {});
  await judged(judge, requestOf('CREATE TABLE t(a)', 'SELECT a FROM t'));
  const { faulty } = await judged(judge, requestOf('SELECT a FROM t'));
  assert.equal(faulty, true);
});

test('a single change of the schema is remembered like any text', async (context) => {
  const backend = openBackend(context);
  const judge = new Judge(backend, false, () => {});
  await judged(judge, requestOf('CREATE TABLE t(a)'));
  await judged(judge, requestOf('CREATE TABLE t(a)'));
  assert.equal(backend.calls.judge, 1);
});

test('verdicts of an older schema are dropped when a newer one is heard of, and never come back', () => {
  const cache = new VerdictCache();
  cache.set(5, 'a', allowed);
  assert.equal(cache.get('a'), allowed);
  cache.set(4, 'b', allowed);
  assert.equal(cache.get('b'), undefined);
  cache.advance(4);
  assert.equal(cache.get('a'), allowed);
  cache.advance(6);
  assert.equal(cache.get('a'), undefined);
});

test('the memory of verdicts is bounded; what is used stays longest', () => {
  const cache = new VerdictCache();
  for (let count = 0; count < 30_000; count++) {
    cache.set(1, `text ${count}`, allowed);
    cache.get('text 0');
  }
  assert.equal(cache.get('text 0'), allowed);
  assert.equal(cache.get('text 1'), undefined);
  cache.set(1, 'x'.repeat(100_000), allowed);
  assert.equal(cache.get('x'.repeat(100_000)), undefined);
});

test('a write that is small by its text is large with long parameters that it multiplies', async (context) => {
  const { send, backend } = await openTestFront(context);
  const body = JSON.stringify(['CREATE TABLE t(a)', 'INSERT INTO t VALUES(1), (2), (3)']);
  await send('POST', '/db/execute', { user: 'admin', body });
  const judge = new Judge(backend, false, () => {});
  const costOf = async (text: string, value: string | Uint8Array): Promise<string> => {
    const request = requestOf(text);
    const statements = request.statements.map((one) => ({ ...one, positional: [value] }));
    return (await judged(judge, { ...request, statements })).cost;
  };
  const long = 'x'.repeat(600_000);
  assert.equal(await costOf('INSERT INTO t VALUES(?)', long), 'small');
  assert.equal(await costOf('INSERT INTO t VALUES(hex(?))', long), 'large');
  assert.equal(await costOf('UPDATE t SET a = ?', long), 'large');
  assert.equal(await costOf('UPDATE t SET a = ?', Buffer.from(long)), 'large');
  assert.equal(await costOf('UPDATE t SET a = ?', 'short'), 'small');
});
