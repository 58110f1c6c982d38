// Clients that do not take their answers: they cost a bounded amount of memory for a bounded time.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { AddressLimit } from '#http/address-limit.ts';
import { createServer, listen } from '#http/https-server.ts';
import { UnsentAnswers } from '#http/unsent-answers.ts';
import { headersTimeoutMs } from '#limits.ts';
import { basic, jsonOf, openTestFront, type TestFront, testPassword } from './test-front.ts';

const mib = 1024 * 1024;
const big = (bytes: number): string => `/db/query?q=SELECT+hex(zeroblob(${bytes / 2}))`;

/** Asks and never reads the answer. */
const askAndLeave = async (front: TestFront, path: string): Promise<TLSSocket> => {
  const { port, certificate } = front;
  const socket = connect({ host: '127.0.0.1', port, ca: certificate.ca });
  socket.pause();
  await once(socket, 'secureConnect');
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: ${basic('admin', testPassword)}\r\n\r\n`,
  );
  return socket;
};

test('DOS-09 results that nobody takes are bounded; small answers go on', async (context) => {
  const front = await openTestFront(context);
  await front.send('GET', '/whoami', { user: 'admin' });
  const reads = (): number => front.backend.calls.read;
  const sockets: TLSSocket[] = [];
  for (let count = 0; count < 3; count++) {
    const before = reads();
    sockets.push(await askAndLeave(front, big(10 * mib)));
    while (reads() === before) await new Promise((resolve) => setImmediate(resolve));
  }
  const answer = await front.send('GET', big(10 * mib), { user: 'admin' });
  assert.equal(answer.status, 422);
  assert.equal((jsonOf(answer) as { code: string }).code, 'result_too_large');
  assert.equal((await front.send('GET', '/db/query?q=SELECT+1', { user: 'admin' })).status, 200);
  for (const socket of sockets) socket.destroy();
});

test('DOS-09 a client slower than any honest link is cut off, a quick one is not', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  let nowMs = 0;
  const unsent = new UnsentAnswers(() => nowMs);
  const destroyed: string[] = [];
  const response = (name: string) => {
    const closed: (() => void)[] = [];
    return {
      once: (_event: string, done: () => void) => closed.push(done),
      destroy: () => destroyed.push(name),
      close: () => {
        for (const done of closed) done();
      },
    };
  };
  const slow = response('slow');
  const quick = response('quick');
  unsent.hold(slow as never, 320 * 1024);
  unsent.hold(quick as never, 320 * 1024);
  quick.close();
  nowMs = 19_999;
  context.mock.timers.tick(1000);
  assert.deepEqual(destroyed, []);
  nowMs = 20_000;
  context.mock.timers.tick(1000);
  assert.deepEqual(destroyed, ['slow']);
});

test('DOS-03 headers that come byte by byte are cut off when their time is over, whoever sends them', async (context) => {
  const { certificate } = await openTestFront(context);
  const tls = { key: certificate.key, cert: certificate.cert };
  const refused: string[] = [];
  const server = createServer(tls, 1000, new AddressLimit(10), (why) => refused.push(why));
  context.after(() => server.close());
  // The server's own limit is what is shown, in a time that a test can wait.
  assert.equal(server.headersTimeout, headersTimeoutMs);
  server.headersTimeout = 500;
  const port = await listen(server, { kind: 'address', host: '127.0.0.1', port: 0 });
  const socket = connect({ host: '127.0.0.1', port, ca: certificate.ca });
  await once(socket, 'secureConnect');
  socket.write('GET /whoami HTTP/1.1\r\nHost: a\r\n');
  const drip = setInterval(() => socket.write('X: y\r\n'), 50);
  context.after(() => clearInterval(drip));
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.on('error', () => socket.destroy());
  await once(socket, 'close');
  assert.ok(text === '' || text.startsWith('HTTP/1.1 408'), text);
});
