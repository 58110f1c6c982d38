// What a node says of the ends of its own certificates.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageOf, type CertificateEnd, daysLeft } from '#http/certificate-ends.ts';
import { jsonOf, openTestFront } from './test-front.ts';

const dayMs = 86_400_000;
const born = Date.UTC(2026, 0, 1);
const end = (days: number, name = 'peer'): CertificateEnd => ({
  name,
  notBeforeMs: born,
  notAfterMs: born + days * dayMs,
});

test('EXP-02 a certificate ages by its own length of life', () => {
  const year = end(360);
  const at = (days: number) => ageOf(year, born + days * dayMs);
  assert.deepEqual(
    [at(0), at(239), at(241), at(323), at(325), at(360)],
    [...['good', 'good', 'ageing', 'ageing'], ...['ending', 'ended']],
  );
  assert.equal(ageOf(end(1), born + 0.5 * dayMs), 'good');
  assert.equal(ageOf(end(1), born + 0.95 * dayMs), 'ending');
  assert.equal(daysLeft(year, born + 347.7 * dayMs), 12.3);
  assert.equal(daysLeft(year, born + 361 * dayMs), -1);
});

test('EXP-03 /readyz, /status and /metrics count down; a node whose certificate ended is not ready', async (context) => {
  let nowMs = born;
  const ends = [end(360), end(1800, 'peer-ca')];
  const { send } = await openTestFront(context, {
    front: {
      certificateEnds: () => ends,
      certificates: { identify: () => ({ kind: 'none' }), wallMs: () => nowMs },
    },
  });
  const user = 'admin';
  const ready = async () => {
    const { status, text } = await send('GET', '/readyz', { user });
    return [status, text.split('\n').filter((line) => line.includes('certificate'))];
  };
  assert.deepEqual(await ready(), [200, []]);
  nowMs = born + 350 * dayMs;
  assert.deepEqual(await ready(), [200, ['[+]certificate peer ends in 10 days ok']]);
  const status = jsonOf(await send('GET', '/status', { user })) as { certificates: unknown };
  assert.deepEqual(status.certificates, [
    { name: 'peer', not_after: '2026-12-27T00:00:00.000Z', days_left: 10, state: 'ending' },
    { name: 'peer-ca', not_after: '2030-12-06T00:00:00.000Z', days_left: 1450, state: 'good' },
  ]);
  const metrics = (await send('GET', '/metrics', { user })).text;
  assert.match(metrics, /^stockade_certificate_left_seconds\{certificate="peer"\} 864000$/m);
  nowMs = born + 361 * dayMs;
  assert.deepEqual(await ready(), [
    503,
    ['[+]certificate peer expired on 2026-12-27T00:00:00.000Z: renew it with stockade-certs renew'],
  ]);
  const stranger = await send('GET', '/readyz');
  assert.deepEqual([stranger.status, stranger.text], [503, 'not ready']);
});
