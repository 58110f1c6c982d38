// A front that stops: who is about to ask on an open connection is answered, and told to go.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestFront } from './test-front.ts';

test('a request on a connection that was idle when the front began to stop is answered, as the last one', async (context) => {
  const { front, send } = await openTestFront(context);
  const user = 'admin';
  const before = await send('GET', '/db/query?q=SELECT+1', { user });
  assert.equal(before.headers.connection, 'keep-alive');
  const closed = front.close(5000);
  const last = await send('GET', '/db/query?q=SELECT+1', { user });
  assert.deepEqual([last.status, last.headers.connection], [200, 'close']);
  await closed;
  await assert.rejects(send('GET', '/readyz'), { code: 'ECONNREFUSED' });
});

test('a front whose connections are idle stops long before its grace is over', async (context) => {
  const { front, send } = await openTestFront(context);
  await send('GET', '/readyz');
  // The grace is longer than any test may take.
  await front.close(1_000_000);
});
