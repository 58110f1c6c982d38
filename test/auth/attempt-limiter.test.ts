// Delays after failed logins: who waits, for how long, and who does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttemptLimiter, sourceOf } from '#auth/attempt-limiter.ts';

const limiterAt = (clock: { nowMs: number }): AttemptLimiter =>
  new AttemptLimiter(() => clock.nowMs);

const fail = (limiter: AttemptLimiter, times: number, address: string, user: string): void => {
  for (let count = 0; count < times; count++) limiter.failed(address, user);
};

test('BF-01 five failures are free, then the delay doubles up to a minute', () => {
  const clock = { nowMs: 1000 };
  const limiter = limiterAt(clock);
  fail(limiter, 4, '192.0.2.1', 'ada');
  assert.equal(limiter.waitMs('192.0.2.1', 'ada'), 0);
  const waits = [];
  for (let count = 0; count < 9; count++) {
    limiter.failed('192.0.2.1', 'ada');
    waits.push(limiter.waitMs('192.0.2.1', 'ada') / 1000);
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
  clock.nowMs += 59_000;
  assert.equal(limiter.waitMs('192.0.2.1', 'ada'), 1000);
  clock.nowMs += 1000;
  assert.equal(limiter.waitMs('192.0.2.1', 'ada'), 0);
});

test('BF-05 failures in a user’s name elsewhere never delay that user', () => {
  const limiter = limiterAt({ nowMs: 0 });
  fail(limiter, 1000, '192.0.2.1', 'ada');
  assert.equal(limiter.waitMs('192.0.2.2', 'ada'), 0);
});

test('BF-02 many users tried from one address delay that address', () => {
  const limiter = limiterAt({ nowMs: 0 });
  for (let count = 0; count < 20; count++) limiter.failed('192.0.2.1', `user${count}`);
  assert.equal(limiter.waitMs('192.0.2.1', 'somebody-new'), 1000);
  assert.equal(limiter.waitMs('192.0.2.2', 'somebody-new'), 0);
});

test('BF-03 one IPv6 site is one source, whatever addresses it takes', () => {
  assert.equal(sourceOf('2001:db8:0:1::5'), sourceOf('2001:db8:0:1:ffff:1:2:3'));
  assert.notEqual(sourceOf('2001:db8:0:1::5'), sourceOf('2001:db8:0:2::5'));
  assert.equal(sourceOf('::1'), '0:0:0:0::/64');
  assert.equal(sourceOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
  assert.equal(sourceOf('::ffff:192.0.2.1'), '192.0.2.1');
});

test('a success forgives the user at that address, not the address', () => {
  const limiter = limiterAt({ nowMs: 0 });
  fail(limiter, 10, '192.0.2.1', 'ada');
  limiter.succeeded('192.0.2.1', 'ada');
  assert.equal(limiter.waitMs('192.0.2.1', 'ada'), 0);
  fail(limiter, 10, '192.0.2.1', 'bob');
  assert.equal(limiter.waitMs('192.0.2.1', 'ada'), 1000);
});

test('failures are forgotten after a quarter of an hour without another', () => {
  const clock = { nowMs: 0 };
  const limiter = limiterAt(clock);
  fail(limiter, 10, '192.0.2.1', 'ada');
  clock.nowMs += 15 * 60_000 + 1;
  limiter.failed('192.0.2.1', 'ada');
  assert.equal(limiter.waitMs('192.0.2.1', 'ada'), 0);
});

test('BF-04 memory of failures is bounded: the oldest source is forgotten first', () => {
  const limiter = limiterAt({ nowMs: 0 });
  fail(limiter, 10, '192.0.2.1', 'ada');
  for (let count = 0; count < 20_000; count++) limiter.failed(`198.51.${count >> 8}.${count}`, 'x');
  assert.equal(limiter.waitMs('192.0.2.1', 'ada'), 0);
});
