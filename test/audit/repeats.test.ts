// Many of the same become one line with a number.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '#audit/audit-event.ts';
import { Repeats } from '#audit/repeats.ts';

const opened = () => {
  let nowMs = 0;
  const written: AuditEvent[] = [];
  const repeats = new Repeats(
    () => nowMs,
    (event) => written.push(event),
  );
  const advance = (ms: number): void => {
    nowMs += ms;
  };
  return { repeats, written, advance };
};

test('the first is written at once, the others are counted until ten seconds are over', () => {
  const { repeats, written, advance } = opened();
  for (let count = 0; count < 1000; count++) {
    repeats.add('x', { event: 'denied', user: 'x', requestId: String(count) });
  }
  repeats.flush();
  assert.deepEqual(written, [{ event: 'denied', user: 'x', requestId: '0' }]);
  advance(10_000);
  repeats.flush();
  assert.deepEqual(written[1], { event: 'denied', user: 'x', repeated: 999 });
  repeats.add('x', { event: 'denied', user: 'x' });
  assert.equal(written.length, 3, 'a new one begins anew');
});

test('different ones are bounded: with too many the oldest is written before its time', () => {
  const { repeats, written } = opened();
  for (const key of ['first', 'first']) repeats.add(key, { event: 'denied', user: key });
  for (let count = 0; count < 10_000; count++) {
    repeats.add(`k${count}`, { event: 'denied', user: `k${count}` });
  }
  assert.deepEqual(
    written.filter(({ repeated }) => repeated !== undefined),
    [{ event: 'denied', user: 'first', repeated: 1 }],
  );
});

test('what is counted when the server stops is written', () => {
  const { repeats, written } = opened();
  for (const user of ['x', 'x', 'x']) repeats.add('x', { event: 'denied', user });
  repeats.flush(true);
  assert.equal(written[1]?.repeated, 2);
});
