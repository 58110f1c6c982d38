// Requests that no honest client sends, byte by byte over TLS: none is answered with 200, and the
// server goes on.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { basic, jsonOf, openTestFront, type TestFront, testPassword } from './test-front.ts';

const credentials = `Authorization: ${basic('admin', testPassword)}\r\n`;

/**
 * Sends bytes on a connection of its own and gives what came back until it closed or was silent.
 */
const exchange = (front: TestFront, bytes: string | Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    const { port, certificate } = front;
    const socket = connect({ host: '127.0.0.1', port, ca: certificate.ca }, () => {
      socket.write(bytes);
    });
    let text = '';
    const finish = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(3000, finish);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (/^HTTP\/1\.1 \d+ .*\r\n\r\n.*\}$/s.test(text)) finish();
    });
    socket.on('end', finish);
    socket.on('close', finish);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') finish();
      else reject(error);
    });
  });

const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0);

/** Opens a front whose administrator is known to it already. */
const opened = async (context: TestContext): Promise<TestFront> => {
  const front = await openTestFront(context);
  await front.send('GET', '/whoami', { user: 'admin' });
  return front;
};

const stillServes = async (front: TestFront): Promise<void> => {
  assert.equal((await front.send('GET', '/db/query?q=SELECT+1', { user: 'admin' })).status, 200);
};

test('SMUG-01..15 messages with two readings are refused and their connection is closed', async (context) => {
  const front = await opened(context);
  const post = `POST /db/query HTTP/1.1\r\nHost: a\r\n${credentials}`;
  const get = `GET /db/query?q=SELECT+1 HTTP/1.1\r\nHost: a\r\n${credentials}`;
  for (const bytes of [
    `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]]`,
    `${post}Content-Length: +2\r\n\r\n[]`,
    `${post}Content-Length: 0x2\r\n\r\n[]`,
    `${post}Content-Length: -1\r\n\r\n[]`,
    `${post}Content-Length: 2, 2\r\n\r\n[]`,
    `${get.replaceAll('\r\n', '\n')}\n\n`,
    `${get}X: a\rb\r\n\r\n`,
    `${get}X: a\r\n b\r\n\r\n`,
    `${get}X: a\0b\r\n\r\n`,
    `${post}Transfer-Encoding: chunked\r\n\r\n2\n[]\n0\n\n`,
    `${post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n[]\r\n0\r\n\r\n`,
  ]) {
    const text = await exchange(front, bytes);
    assert.equal(statusOf(text), 400, JSON.stringify(bytes.slice(-60)));
    assert.match(text, /connection: close/i);
  }
  await stillServes(front);
});

test('DOS-08 a connection that sends thousands of requests at once is cut, and others are served between', async (context) => {
  const front = await opened(context);
  const one = `GET /whoami HTTP/1.1\r\nHost: a\r\n${credentials}\r\n`;
  /** Status lines until the connection ends, or there are `enough`. */
  const answered = (bytes: string, enough: number): Promise<number> =>
    new Promise((resolve) => {
      const { port, certificate } = front;
      const socket = connect({ host: '127.0.0.1', port, ca: certificate.ca });
      let text = '';
      const count = (): number => text.match(/HTTP\/1\.1 200/g)?.length ?? 0;
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
        if (count() >= enough) socket.destroy();
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => resolve(count()));
      socket.write(bytes);
    });
  assert.equal(await answered(one.repeat(3), 3), 3, 'a few are answered, in one connection');
  const many = await answered(one.repeat(10_000), 10_000);
  assert.ok(many < 10_000, `${many} of 10,000 were answered`);
  const garbage = await exchange(front, `${one}${'\0garbage\r\n'.repeat(1000)}`);
  assert.ok((garbage.match(/HTTP\/1\.1 200/g)?.length ?? 0) <= 1);
  await stillServes(front);
  assert.deepEqual(front.faults, []);
});

test('DOS-07 a client that closes its side and waits is answered, and its connection ends', async (context) => {
  const front = await opened(context);
  const { port, certificate } = front;
  const socket = connect({ host: '127.0.0.1', port, ca: certificate.ca });
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.end('POST /db/query HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n[');
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  assert.ok([0, 400, 401].includes(statusOf(text)), text);
  await stillServes(front);
  assert.deepEqual(front.faults, []);
});

test('SMUG-16 two Host headers are refused, equal or not', async (context) => {
  const front = await opened(context);
  for (const second of ['a', 'b']) {
    const text = await exchange(
      front,
      `GET /whoami HTTP/1.1\r\nHost: a\r\nhOST: ${second}\r\n${credentials}\r\n`,
    );
    assert.equal(statusOf(text), 400, second);
    assert.match(text, /exactly one Host/);
  }
});

test('AUTH-03 two Authorization headers are refused', async (context) => {
  const front = await opened(context);
  const text = await exchange(
    front,
    `GET /whoami HTTP/1.1\r\nHost: a\r\n${credentials}${credentials}\r\n`,
  );
  assert.equal(statusOf(text), 400);
  assert.match(text, /at most one Authorization/);
});

test('SMUG-17 a request target that names a host is refused', async (context) => {
  const front = await opened(context);
  for (const target of ['http://evil/whoami', 'https://127.0.0.1/whoami', '*']) {
    const text = await exchange(front, `GET ${target} HTTP/1.1\r\nHost: a\r\n${credentials}\r\n`);
    assert.ok([400, 404].includes(statusOf(text)), `${target}: ${text.slice(0, 60)}`);
  }
});

test('SMUG-18 nothing is served without a Host, over HTTP/2 bytes, by CONNECT, TRACE or upgrade', async (context) => {
  const front = await opened(context);
  for (const bytes of [
    `GET /whoami HTTP/1.1\r\n${credentials}\r\n`,
    `GET /whoami HTTP/1.0\r\n${credentials}\r\n`,
    'GET /whoami\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    `CONNECT a:443 HTTP/1.1\r\nHost: a\r\n${credentials}\r\n`,
    `TRACE /whoami HTTP/1.1\r\nHost: a\r\n${credentials}\r\n`,
  ]) {
    const text = await exchange(front, bytes);
    assert.ok([0, 400, 404, 405].includes(statusOf(text)), `${bytes.slice(0, 20)}: ${text}`);
  }
  const upgrade = await exchange(
    front,
    `GET /whoami HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n${credentials}\r\n`,
  );
  assert.notEqual(statusOf(upgrade), 101);
  await stillServes(front);
});

test('HOST-01..04 only names of the list are answered to; forwarded headers say nothing', async (context) => {
  const front = await openTestFront(context, { front: { hosts: ['127.0.0.1', 'db.example.com'] } });
  const asked = async (host: string, more: Record<string, string> = {}): Promise<number> =>
    (await front.send('GET', '/whoami', { user: 'admin', headers: { Host: host, ...more } }))
      .status;
  assert.equal(await asked('127.0.0.1:4001'), 200);
  assert.equal(await asked('DB.example.com'), 200);
  assert.equal(await asked('evil.example.com'), 400);
  assert.equal(await asked('127.0.0.1.evil.example.com'), 400);
  assert.equal(await asked('10.0.0.1'), 400);
  assert.equal(await asked('evil', { 'X-Forwarded-Host': 'db.example.com' }), 400);
  assert.equal(front.denials.length, 0);
});

test('CORS-01..04 other sites’ pages get no permission and change nothing', async (context) => {
  const front = await opened(context);
  const preflight = await front.send('OPTIONS', '/db/execute', {
    headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST' },
  });
  assert.equal(preflight.status, 405);
  assert.equal(preflight.headers['access-control-allow-origin'], undefined);
  const write = (headers: Record<string, string>): Promise<{ status: number }> =>
    front.send('POST', '/db/execute', { user: 'admin', headers, body: '["CREATE TABLE t(a)"]' });
  assert.equal((await write({ 'Content-Type': 'application/x-www-form-urlencoded' })).status, 415);
  assert.equal((await write({ 'Content-Type': 'multipart/form-data; boundary=x' })).status, 415);
  for (const headers of [
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { Origin: 'https://evil.example', 'Content-Type': 'text/plain' },
  ]) {
    assert.equal((await write(headers)).status, 403, JSON.stringify(headers));
  }
  assert.equal(front.backend.calls.propose, 0);
  const own = { Origin: `https://127.0.0.1:${front.port}`, 'Sec-Fetch-Site': 'same-origin' };
  assert.equal((await write(own)).status, 200);
});

test('BIG-01 a body beyond the limit is refused, announced, in chunks, or with a lying length', async (context) => {
  const front = await openTestFront(context, { front: { bodyBytesMax: 1000 } });
  await front.send('GET', '/whoami', { user: 'admin' });
  const at = (bytes: number): string => `["SELECT '${'x'.repeat(bytes - 13)}'"]`;
  const send = (body: string): Promise<{ status: number; text: string }> =>
    front.send('POST', '/db/query', { user: 'admin', body });
  assert.equal((await send(at(1000))).status, 200);
  const over = await send(at(1001));
  assert.equal(over.status, 413);
  assert.equal((JSON.parse(over.text) as { code: string }).code, 'body_too_large');
  const head = `POST /db/query HTTP/1.1\r\nHost: a\r\n${credentials}`;
  const chunk = `200\r\n${'x'.repeat(512)}\r\n`;
  const chunked = await exchange(
    front,
    `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(3)}`,
  );
  assert.equal(statusOf(chunked), 413);
  assert.match(chunked, /connection: close/i);
  const short = await exchange(front, `${head}Content-Length: 2\r\n\r\n${at(900)}`);
  assert.equal(statusOf(short), 400);
  await stillServes(front);
});

test('BIG-04 bodies in another encoding are refused', async (context) => {
  const front = await opened(context);
  const send = (headers: Record<string, string>): Promise<{ status: number }> =>
    front.send('POST', '/db/query', { user: 'admin', headers, body: '["SELECT 1"]' });
  for (const headers of [
    { 'Content-Type': 'application/json; charset=utf-16' },
    { 'Content-Type': 'text/plain; charset=iso-8859-1' },
    { 'Content-Encoding': 'gzip' },
    { 'Content-Type': 'application/xml' },
  ]) {
    assert.equal((await send(headers)).status, 415, JSON.stringify(headers));
  }
  for (const headers of [
    { 'Content-Type': 'application/json; charset=UTF-8' },
    { 'Content-Type': 'APPLICATION/JSON' },
    { 'Content-Encoding': 'identity' },
    {},
  ]) {
    assert.equal((await send(headers)).status, 200, JSON.stringify(headers));
  }
});

test('BIG-05..10 headers, paths and queries beyond their limits are refused', async (context) => {
  const front = await opened(context);
  const get = (target: string, headers = ''): Promise<string> =>
    exchange(front, `GET ${target} HTTP/1.1\r\nHost: a\r\n${credentials}${headers}\r\n`);
  assert.equal(statusOf(await get('/whoami', `X: ${'x'.repeat(20_000)}\r\n`)), 431);
  const many = Array.from({ length: 3000 }, (_none, at) => `X${at}: 1\r\n`).join('');
  assert.ok([400, 431].includes(statusOf(await get('/whoami', many))));
  assert.ok([400, 404, 431].includes(statusOf(await get(`/${'x'.repeat(10_000)}`))));
  assert.equal(statusOf(await get(`/db/query?q=${'x'.repeat(10_000)}`)), 400);
  const keys = Array.from({ length: 1000 }, (_none, at) => `k${at}`).join('&');
  assert.equal(statusOf(await get(`/db/query?${keys}`)), 400);
  assert.equal(statusOf(await get('/db/query?q=%zz')), 400);
  assert.equal(statusOf(await get('/%zz')), 400);
  await stillServes(front);
});

test('PP-04 columns with the names of JavaScript’s own properties are data', async (context) => {
  const front = await opened(context);
  const q = encodeURIComponent('SELECT 1 AS "__proto__", 2 AS "constructor", 3 AS "toString"');
  const answer = await front.send('GET', `/db/query?associative&q=${q}`, { user: 'admin' });
  const keys = '"__proto__":1,"constructor":2,"toString":3';
  assert.match(answer.text, new RegExp(`"rows":\\[\\{${keys}\\}\\]`));
});

test('PP-05 a user of such a name has no permission that nobody gave', async (context) => {
  const front = await opened(context);
  for (const user of ['constructor', '__proto__', 'toString']) {
    assert.equal((await front.send('GET', '/whoami', { user })).status, 401, user);
  }
});

test('LEAK-01..05 strangers learn neither program nor version nor anything of the inside', async (context) => {
  const front = await opened(context);
  for (const [method, path] of [
    ['GET', '/whoami'],
    ['GET', '/nowhere'],
    ['PUT', '/db/query'],
    ['GET', '/readyz'],
  ] as const) {
    const { headers, text } = await front.send(method, path);
    for (const name of ['x-rqlite-version', 'server', 'x-powered-by', 'etag']) {
      assert.equal(headers[name], undefined, `${method} ${path} ${name}`);
    }
    assert.doesNotMatch(text, /node_modules|\.ts:|\/tmp\/|9\.9\.9/);
  }
});

test('a client that hangs up in the middle of a body costs nothing but its connection', async (context) => {
  const front = await opened(context);
  await exchange(
    front,
    `POST /db/query HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${credentials}Content-Length: 100\r\n\r\n["SEL`,
  );
  await stillServes(front);
  assert.deepEqual(front.faults, []);
});

test('a fault of our own is a 500 that says nothing, and is reported', async (context) => {
  const front = await opened(context);
  front.backend.status = () => Promise.reject(new Error('secret detail'));
  const answer = await front.send('GET', '/status', { user: 'admin' });
  assert.equal(answer.status, 500);
  assert.equal((jsonOf(answer) as { code: string }).code, 'internal');
  assert.doesNotMatch(answer.text, /secret/);
  assert.match(String(front.faults[0]), /secret detail/);
  await front.send('POST', '/db/execute', { user: 'admin', body: '["SELECT 1"]' });
  front.backend.propose = () => {
    throw new Error('another secret detail');
  };
  const write = await front.send('POST', '/db/execute', { user: 'admin', body: '["SELECT 1"]' });
  assert.equal(write.status, 500);
  assert.equal((jsonOf(write) as { applied: string }).applied, 'unknown');
  assert.equal(front.faults.length, 2);
});
