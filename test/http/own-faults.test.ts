// What a fault of our own in a callback of the backend costs: its request, and nobody else's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { caught } from '#http/data/guarded.ts';
import { InvariantError } from '#invariant.ts';
import type { LocalBackend } from './local-backend.ts';
import { jsonOf, openTestFront } from './test-front.ts';

const user = 'admin';
const leader = { name: 'n2', apiUrl: 'https://127.0.0.1:4003', peerAddress: '127.0.0.1:4004' };

/** An answer that no backend gives, and whoever works it off falls over. */
const broken = JSON.parse('null') as never;

type Method = 'propose' | 'read' | 'judge' | 'readIndex' | 'forward' | 'whenApplied';

const breakMethod = (backend: LocalBackend, method: Method): (() => void) => {
  const whole = backend[method];
  const fall = (...args: readonly unknown[]): void => {
    const done = args.at(-1) as (reply: never) => void;
    setImmediate(() => done(broken));
  };
  Object.assign(backend, { [method]: fall });
  return () => Object.assign(backend, { [method]: whole });
};

test('a callback that throws is a 500 for its own request, is logged, and the front goes on', async (context) => {
  const { send, backend, faults } = await openTestFront(context);
  const read = '/db/query?q=SELECT+1';
  for (const [method, path, body, applied] of [
    ['read', read, undefined, undefined],
    ['judge', '/db/query?q=SELECT+1+AS+fresh', undefined, undefined],
    ['judge', '/db/sql?q=SELECT+1', undefined, undefined],
    ['readIndex', `${read}&level=strong`, undefined, undefined],
    ['propose', '/db/execute', '["CREATE TABLE IF NOT EXISTS t(a)"]', 'unknown'],
    ['propose', '/db/execute?queue&wait', '["CREATE TABLE IF NOT EXISTS t(a)"]', 'unknown'],
    ['forward', '/db/execute', '["CREATE TABLE IF NOT EXISTS t(a)"]', 'unknown'],
  ] as const) {
    backend.assumed = method === 'forward' ? { role: 'follower', leader } : {};
    const mend = breakMethod(backend, method);
    const verb = body === undefined ? 'GET' : 'POST';
    const answer = await send(verb, path, body === undefined ? { user } : { user, body });
    mend();
    assert.equal(answer.status, 500, `${method} ${path}: ${answer.text}`);
    const said = jsonOf(answer) as Record<string, string | undefined>;
    assert.deepEqual([said['code'], said['applied']], ['internal', applied], `${method} ${path}`);
    assert.ok(faults.splice(0).length === 1, `${method} ${path}`);
    backend.assumed = {};
    assert.equal((await send('GET', read, { user })).status, 200);
  }
});

test('a broken invariant is not caught: the process must stop', () => {
  const callback = caught<undefined>(
    () => assert.fail('logged as a mere fault'),
    'r',
    () => assert.fail('answered'),
    () => {
      throw new InvariantError('broken invariant: the test says so');
    },
  );
  assert.throws(() => callback(undefined), InvariantError);
});
