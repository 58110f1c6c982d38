// The API document and the server say the same: every documented answer is produced here, and every
// answer that any test of the front gets is documented (test-front.ts asks).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { CodedError, type ErrorCode } from '#errors.ts';
import { statusOf } from '#http/coded-answer.ts';
import { parameterList } from '#http/parameter-list.ts';
import { isBodyless, type Route } from '#http/route.ts';
import { errorAnswersOf, gateErrorsOf } from '#http/route-about.ts';
import { routes } from '#http/route-table.ts';
import { codeOf, undocumented } from './documented.ts';
import { type Answer, jsonOf, openTestFront, type Sent, type TestFront } from './test-front.ts';

interface Operation {
  readonly responses: Readonly<Record<string, unknown>>;
  readonly operationId: string;
}

const user = 'admin';

const node = {
  name: 'n1',
  apiUrl: 'https://127.0.0.1:4001',
  peerAddress: '127.0.0.1:4002',
  version: '9.9.9',
  voter: true,
  reachable: true,
  leader: true,
  seconds: 0.001,
  error: '',
};

const leader = { name: 'n2', apiUrl: 'https://127.0.0.1:4003', peerAddress: '127.0.0.1:4004' };

const database = new Database(':memory:');
database.exec('CREATE TABLE t(a)');
const databaseFile = database.serialize();
database.close();

let texts = 0;

/** A request that succeeds; each with a text that nobody has judged yet. */
const rightFor = (
  route: Route,
  method: string,
): { readonly query: string; readonly sent: Sent } => {
  texts += 1;
  const text = route.kind === 'streamed' ? `SELECT ${texts}` : `["SELECT ${texts}"]`;
  const named = route.about.namesMember ? '{"id":"n2"}' : text;
  const body = route.path === '/boot' ? databaseFile : named;
  if (method !== 'GET') return { query: '?', sent: { user, body } };
  const takesText = route.about.parameters.some((name) => name === 'q');
  return { query: takesText ? `?q=SELECT+${texts}` : '?', sent: { user } };
};

/** Lets the backend refuse everything with a code. */
const refuse = ({ backend }: TestFront, code: ErrorCode): void => {
  backend.refusal = { kind: 'refused', code, message: 'as the test wants it', applied: 'no' };
  backend.backup = () => Promise.reject(new CodedError(code, 'as the test wants it'));
  const { refusal } = backend;
  backend.changes = (_request, done) => setImmediate(() => done(refusal));
  backend.snapshot = () => Promise.resolve(refusal);
  backend.consistency = () => Promise.resolve(refusal);
  backend.kill = () => Promise.resolve(refusal);
  backend.reloadUsers = () => Promise.resolve({ kind: 'kept', code, message: 'as it was' });
  const led = code !== 'no_leader';
  backend.assumed = led ? {} : { role: 'follower', leader: undefined };
  backend.cluster = led ? [node] : [];
  if (code === 'not_leader') backend.cluster = [node, { ...node, name: 'n2', leader: false }];
};

const opened = async (context: TestContext, front = {}): Promise<TestFront> => {
  const open = await openTestFront(context, { front });
  open.backend.cluster = [node];
  open.backend.kill = () => Promise.resolve({ kind: 'done' });
  // A stream that begins, and ends at its next look.
  let looks = 0;
  open.backend.changes = (_request, done) => {
    looks += 1;
    const nothing = { entries: [], through: 0, storedIndex: 0, droppedIndex: 0 };
    const ends = { code: 'shutting_down', message: 'as the test wants it', applied: 'no' } as const;
    const reply = looks % 2 === 1 ? { kind: 'changes', ...nothing } : { kind: 'refused', ...ends };
    setImmediate(() => done(reply as Parameters<typeof done>[0]));
  };
  return open;
};

type Ask = (route: Route, method: string) => Promise<Answer>;

/** Requests that the gate answers with its codes, each at any route. */
const gateRequests = (
  front: TestFront,
  full: TestFront,
  throttled: TestFront,
): Readonly<Record<string, Ask>> => ({
  bad_request: (route, method) => front.send(method, `${route.path}?timeout=x`, { user }),
  // Where nobody needs credentials, wrong ones are still wrong.
  unauthenticated: (route, method) =>
    front.send(method, route.path, route.anonymous ? { user, password: 'no' } : {}),
  permission_denied: (route, method) => front.send(method, route.path, { user: 'nothing' }),
  too_many_attempts: (route, method) =>
    throttled.send(method, route.path, { user: 'only-ui', password: 'no' }),
  body_too_large: (route, method) =>
    front.send(method, route.path, { user, body: Buffer.alloc(2000, ' ') }),
  queue_full: (route, method) =>
    full.send(method, route.path, { user, headers: { 'Content-Length': '41943040' } }),
  unsupported_media_type: (route, method) =>
    front.send(method, route.path, { user, body: '[]', headers: { 'Content-Type': 'text/html' } }),
});

/** What names a transaction that was never opened. */
const someId = `a-${'0'.repeat(32)}`;

/** A path as it is asked: of a transaction that is open, of a file that is there. */
const pathFor = async ({ send }: TestFront, { path }: Route): Promise<string> => {
  if (path.startsWith('/console/:')) return '/console/main.js';
  if (!path.startsWith('/db/transaction/')) return path;
  const open = jsonOf(await send('POST', '/db/transaction', { user }));
  return path.replace(':id', (open as { readonly id: string }).id);
};

const operations = routes.flatMap((route) => route.methods.map((method) => ({ route, method })));

test('every error that the gate is documented to answer, it answers at every route', async (context) => {
  const front = await opened(context, { bodyBytesMax: 1000 });
  const full = await opened(context, { bodyBytesMax: 64 * 1024 * 1024 });
  // Its clock stands still: who has to wait waits for ever.
  const throttled = await openTestFront(context, { authNowMs: () => 0 });
  for (let attempt = 0; attempt < 8; attempt++) {
    await throttled.send('GET', '/whoami', { user: 'only-ui', password: `no ${attempt}` });
  }
  const requests = gateRequests(front, full, throttled);
  for (const { route, method } of operations) {
    for (const code of gateErrorsOf(route)) {
      // A fault of our own cannot be had by asking; own-faults.test.ts makes them, and
      // test/security/audit.test.ts an audit log that cannot be written.
      if (code === 'internal' || code === 'audit_failed') continue;
      if (isBodyless(method) && /body|queue|media/.test(code)) continue;
      const answer = await requests[code]?.(route, method);
      const what = `${method} ${route.path}: ${answer?.text}`;
      assert.equal(answer?.status, statusOf(code), what);
      if (method !== 'HEAD') assert.equal(codeOf(answer.text), code, what);
    }
  }
});

test('every error that a route is documented to answer, it answers', async (context) => {
  const refusing = await opened(context);
  for (const { route, method } of operations) {
    for (const code of route.about.errors) {
      // While a file is sent, what may pass is tried again for half a minute.
      if (route.path === '/boot' && code !== 'no_leader' && code !== 'not_leader') continue;
      refuse(refusing, code);
      const path = route.path.replace('/transaction/:id', `/transaction/${someId}`);
      const { query, sent } = rightFor(route, method);
      const answer = await refusing.send(method, `${path}${query}&timeout=20ms`, sent);
      const what = `${method} ${route.path} ${code}: ${answer.text}`;
      assert.equal(answer.status, statusOf(code), what);
      if (method !== 'HEAD') assert.equal(codeOf(answer.text), code, what);
    }
  }
});

test('every success and redirect that is documented is answered, and no other', async (context) => {
  const front = await opened(context);
  const follower = await opened(context);
  follower.backend.assumed = { role: 'follower', leader };
  const down = await opened(context);
  down.backend.assumed = { ready: false };
  for (const { route, method } of operations) {
    const { query, sent } = rightFor(route, method);
    const { answers, parameters } = route.about;
    const produced = new Set<number>();
    const ask = async (from: TestFront, path: string, headers = {}): Promise<void> => {
      produced.add((await from.send(method, path, { ...sent, headers })).status);
    };
    const path = await pathFor(front, route);
    await ask(front, `${path}${query}`);
    if (answers[301] === 'none') await ask(follower, `${path}${query}&redirect`);
    if (answers[204] !== undefined) await ask(front, route.path);
    if (answers[304] !== undefined) await ask(front, path, { 'If-None-Match': '*' });
    if (answers[503] !== undefined) await ask(down, route.path);
    if (parameters.some((name) => name === 'queue')) {
      await ask(front, `${route.path}?queue&wait&timeout=1ms`);
    }
    const documented = new Set(Object.keys(answers).map(Number));
    assert.deepEqual(produced, documented, `${method} ${route.path}`);
  }
});

const documentOf = async (context: TestContext): Promise<Readonly<Record<string, unknown>>> => {
  const { send } = await openTestFront(context);
  const answer = await send('GET', '/openapi.json', { user: 'nothing' });
  assert.equal(answer.status, 200);
  return jsonOf(answer) as Readonly<Record<string, unknown>>;
};

test('/openapi.json has every route with its methods and statuses, and nothing else', async (context) => {
  const document = await documentOf(context);
  assert.equal(document['openapi'], '3.1.0');
  const paths = document['paths'] as Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  const ids = new Set<string>();
  for (const { route, method } of operations) {
    const operation = paths[route.path.replace(':id', '{id}')]?.[method.toLowerCase()];
    assert.ok(operation, `${method} ${route.path}`);
    ids.add(operation.operationId);
    const statuses = [...Object.keys(route.about.answers), ...errorAnswersOf(route).keys()];
    const expected = [...new Set(statuses.map(String))].sort();
    assert.deepEqual(Object.keys(operation.responses).sort(), expected);
  }
  const there = Object.values(paths).flatMap((methods) => Object.keys(methods)).length;
  assert.deepEqual([ids.size, there], [operations.length, operations.length]);
});

test('every reference in /openapi.json leads somewhere', async (context) => {
  const document = await documentOf(context);
  const { schemas } = document['components'] as { readonly schemas: object };
  const pattern = /"\$ref":"#\/components\/schemas\/(\w+)"/g;
  const references = [...JSON.stringify(document).matchAll(pattern)];
  assert.ok(references.length > 20);
  for (const [, name = ''] of references) assert.ok(name in schemas, name);
});

test('an answer with a key, a type or a media type that the document does not know is a fault', () => {
  const type = 'application/json; charset=utf-8';
  const asked = (text: string, media = type): string | undefined =>
    undocumented('GET', '/db/query', { status: 200, text, type: media });
  assert.equal(
    asked('{"results":[{"columns":["1"],"types":["integer"],"values":[[1]]}]}'),
    undefined,
  );
  assert.match(asked('{"results":[{"colunms":["1"]}]}') ?? '', /must NOT have additional/);
  assert.match(asked('{"results":[{"values":[[{}]]}]}') ?? '', /values/);
  assert.match(asked('{}') ?? '', /results/);
  assert.match(asked('{"results":[]}', 'text/plain') ?? '', /of type text\/plain/);
});

test('a method that no server of ours knows is 405 like any other', async (context) => {
  const { send } = await openTestFront(context);
  const answer = await send('QUERY', '/db/query', { user });
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.allow, 'GET, POST');
  assert.equal((await send('QUERY', '/nowhere', { user })).status, 400);
});

const page = readFileSync(new URL('../../docs/HTTP.md', import.meta.url), 'utf8');

test('docs/HTTP.md has every route with its methods and permissions', () => {
  const rows = [...page.matchAll(/^\| `(\/[^`]*)` \| ([A-Z, ]+) \| ([^|]+) \|/gm)];
  const written = rows.map(([, path, methods, permission]) => `${path} ${methods}: ${permission}`);
  const meant = routes.map(({ path, methods, permissions, anonymous }) => {
    const needed = permissions.map((name) => `\`${name}\``).join(' and ');
    const none = anonymous ? ', or no credentials' : '';
    return `${path} ${methods.join(', ')}: ${needed === '' ? 'any user' : needed}${none}`;
  });
  assert.deepEqual(written.sort(), meant.sort());
});

test('docs/HTTP.md has every parameter that a route knows', () => {
  const section = page.slice(page.indexOf('### Parameters'), page.indexOf('### Levels'));
  const written = new Set(
    [...section.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, names = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
    ),
  );
  const names = Object.keys(parameterList);
  assert.deepEqual(
    names.filter((name) => !written.has(name)),
    [],
  );
  const used = new Set<string>(routes.flatMap(({ about }) => about.parameters));
  assert.deepEqual(names.sort(), [...used].sort());
});
