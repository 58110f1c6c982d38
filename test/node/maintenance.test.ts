// When the leader asks for maintenance.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { encodeOutcome } from '#command/outcome-codec.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import { createLogger } from '#node/logger.ts';
import { againMs, maintainedBytesMax } from '#node/maintenance/bounds.ts';
import { maintainedSamples } from '#node/maintenance/maintained-samples.ts';
import { Maintenance } from '#node/maintenance/maintenance.ts';

const dayMs = 86_400_000;
const noonMs = Date.UTC(2100, 0, 1, 12);

const applied = (error = '') =>
  encodeOutcome({ kind: 'results', json: Buffer.alloc(0), error, microseconds: 0 });

/** A leader with a VACUUM a day; what it proposes is counted. */
const leader = (t: TestContext) => {
  const world = {
    nowMs: noonMs,
    lastMs: {} as Record<string, number>,
    leads: true,
    older: undefined as string | undefined,
    bytes: 1000,
    error: '',
    asked: 0,
  };
  const samples = (): Promise<readonly Sample[]> =>
    Promise.resolve(maintainedSamples({ lastMs: world.lastMs, vacuumsSkipped: 0 }));
  const maintenance = new Maintenance({
    intervals: { vacuum: dayMs, optimize: undefined },
    log: createLogger('fatal', 'json', { node: 'n1', part: 'node' }),
    mayRun: () => world.leads,
    findOlder: () => Promise.resolve(world.older),
    samples,
    databaseBytes: () => world.bytes,
    schemaIndex: () => 0,
    propose: (_proposal, done) => {
      world.asked += 1;
      done({ kind: 'outcome', index: 1, outcome: applied(world.error) });
    },
    wallMs: () => world.nowMs,
    monotonicMs: () => world.nowMs,
  });
  t.after(() => maintenance.stop());
  return { world, look: () => maintenance.look() };
};

test('it is asked for once, although the writer says its old numbers for a while', async (t) => {
  const { world, look } = leader(t);
  await look();
  await look();
  assert.equal(world.asked, 1);
  world.nowMs += dayMs - 1;
  await look();
  assert.equal(world.asked, 1);
  world.nowMs += 1;
  await look();
  assert.equal(world.asked, 2);
});

test('a new leader goes on where the last one was, and nobody else asks', async (t) => {
  const { world, look } = leader(t);
  world.lastMs = { vacuum: noonMs - dayMs + 1000 };
  await look();
  assert.equal(world.asked, 0);
  world.nowMs += 1000;
  world.leads = false;
  await look();
  assert.equal(world.asked, 0);
  world.leads = true;
  await look();
  assert.equal(world.asked, 1);
});

test('nothing is asked for while a member is too old or the database too large; a failure rests', async (t) => {
  const { world, look } = leader(t);
  world.older = 'n2';
  await look();
  world.older = undefined;
  await look();
  assert.equal(world.asked, 0, 'n2 may be upgraded within the minute');
  world.nowMs += againMs;
  world.bytes = maintainedBytesMax + 1;
  await look();
  assert.equal(world.asked, 0);
  world.bytes = maintainedBytesMax;
  world.error = 'no such thing';
  await look();
  await look();
  assert.equal(world.asked, 1);
  world.nowMs += againMs;
  world.error = '';
  await look();
  await look();
  assert.equal(world.asked, 2);
});
