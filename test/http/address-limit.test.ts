// Connections of one address: a flood of nobodies is cut off, who has proved a name is not counted.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { basic, openTestFront, type TestFront, testPassword } from './test-front.ts';

const open = async (t: TestContext, { port, certificate }: TestFront): Promise<TLSSocket> => {
  const socket = connect({ host: '127.0.0.1', port, ca: certificate.ca });
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    socket.once('secureConnect', () => resolve());
    socket.once('close', () => resolve());
  });
  return socket;
};

/** Sends a request and waits for the beginning of its answer. */
const ask = async (socket: TLSSocket, headers: string): Promise<string> => {
  socket.write(`GET /whoami HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString().slice(0, 12);
};

const proof = `Authorization: ${basic('admin', testPassword)}\r\n`;

test('DOS-05 beyond its share an address gets no connection until it proves a name or gives one up', async (t) => {
  const front = await openTestFront(t, { front: { unprovedPerAddressMax: 3 } });
  const nobodies = [await open(t, front), await open(t, front), await open(t, front)];
  const refused = await open(t, front);
  assert.equal(refused.destroyed, true);
  const [first, second] = nobodies;
  assert.ok(first !== undefined && second !== undefined);
  // A wrong name proves nothing.
  assert.equal(await ask(first, ''), 'HTTP/1.1 401');
  assert.equal((await open(t, front)).destroyed, true);
  assert.equal(await ask(first, proof), 'HTTP/1.1 200');
  const inItsPlace = await open(t, front);
  assert.equal(inItsPlace.destroyed, false);
  assert.equal((await open(t, front)).destroyed, true);
  // The one that proved a name gives nothing back a second time when it ends.
  first.destroy();
  await once(first, 'close');
  second.destroy();
  await once(second, 'close');
  for (let wanted = true; wanted; ) {
    wanted = (await open(t, front)).destroyed;
  }
  assert.equal((await open(t, front)).destroyed, true);
});
