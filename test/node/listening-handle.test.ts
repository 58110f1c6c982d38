// The API's port is bound or refused, and nobody is taken for a listener who cannot listen.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { bindAddress } from '#node/listening-handle.ts';

const host = '127.0.0.1';

const listening = (t: TestContext, port: number): Promise<number> => {
  const server = createServer();
  t.after(() => server.close());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      resolve(address === null || typeof address === 'string' ? 0 : address.port);
    });
  });
};

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });

test('a port that another program has, and an address of another machine, are not bound', async (t) => {
  const port = await listening(t, 0);
  const taken = { code: 'address_in_use', message: `another program listens on ${host}:${port}` };
  assert.throws(() => bindAddress({ host, port }), taken);
  assert.throws(() => bindAddress({ host: '192.0.2.1', port: 0 }), {
    code: 'config_invalid',
    message: 'cannot listen on 192.0.2.1:0: EADDRNOTAVAIL',
  });
});

test('whoever takes a port between its binding and the first listening makes that fail', async (t) => {
  const free = createServer();
  const port = await new Promise<number>((resolve) => {
    free.listen(0, host, () => {
      const address = free.address();
      resolve(address === null || typeof address === 'string' ? 0 : address.port);
    });
  });
  await closed(free);
  const handle = bindAddress({ host, port });
  t.after(() => handle.close());
  assert.equal(await listening(t, port), port);
  const front = createServer();
  await assert.rejects(
    new Promise((resolve, reject) => {
      front.once('error', reject);
      front.listen(handle.forChild(), () => resolve(undefined));
    }),
    { code: 'EADDRINUSE' },
  );
});
