// A body that takes too long to arrive is cut off; one that is loaded may take as long as it keeps
// its pace.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { SlowBodies } from '#http/slow-bodies.ts';
import { eventually } from '../e2e/cluster.ts';

/** A request on a real connection whose body never ends, and the client's side of it. */
const begun = async (t: TestContext): Promise<{ message: IncomingMessage; client: Socket }> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => {
    client.destroy();
    server.close();
  });
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome');
  const message = await new Promise<IncomingMessage>((resolve) => server.once('request', resolve));
  message.resume();
  return { message, client };
};

test('DOS-04 a body has its grace, then its connection ends, unless it was done before', async (t) => {
  const { message } = await begun(t);
  const other = await begun(t);
  let now = 0;
  const refused: Socket[] = [];
  const bodies = new SlowBodies(
    () => now,
    1,
    (socket) => refused.push(socket),
  );
  bodies.watch(message, { graceMs: 1000, bytesPerSecondMin: 0 });
  bodies.watch(other.message, { graceMs: 1000, bytesPerSecondMin: 0 });
  now = 1000;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(refused.length, 0);
  bodies.done(other.message);
  now = 1001;
  await eventually('it is refused', async () => refused.length > 0);
  assert.deepEqual(refused, [message.socket]);
});

test('a body with a pace goes on as long as it keeps it', async (t) => {
  const { message, client } = await begun(t);
  let now = 0;
  const refused: Socket[] = [];
  const bodies = new SlowBodies(
    () => now,
    1,
    (socket) => refused.push(socket),
  );
  bodies.watch(message, { graceMs: 1000, bytesPerSecondMin: 1000 });
  client.write(Buffer.alloc(5000));
  await eventually('it arrives', async () => message.socket.bytesRead > 5000);
  now = 6000;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(refused.length, 0);
  now = 7000;
  await eventually('it is refused', async () => refused.length > 0);
});
