// Seeds of the simulated cluster that run with every test run.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { runSeed } from './simulation.ts';
import { createCounts } from './world.ts';

/** Seeds of this commit alone, so that every commit looks somewhere else. */
const commitSeedCount = 100;

/** Seeds that run in every check; more with sim-main.ts. */
const seedCount = 500;
const steps = 3000;

test(`${seedCount} seeds of a cluster in trouble keep every property and recover`, () => {
  const totals = createCounts();
  const names = Object.keys(totals) as (keyof typeof totals)[];
  for (let seed = 1; seed <= seedCount; seed += 1) {
    const { failure, counts } = runSeed({ seed, steps, trace: false });
    assert.equal(failure, undefined, `replay: npm run sim -- --seeds 1 --from ${seed} --trace`);
    for (const name of names) totals[name] += counts[name];
  }
  for (const name of names) assert.ok(totals[name] > 0, `some seed has ${name}`);
});

/** A seed range that the commit's hash chooses; outside a checkout a fixed one. */
const commitSeed = (): number => {
  try {
    const hash = execFileSync('git', ['rev-parse', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return 1_000_000 + Number.parseInt(hash.slice(0, 8), 16);
  } catch {
    return 1_000_000;
  }
};

test(`${commitSeedCount} seeds of this commit keep every property and recover`, (t) => {
  const first = commitSeed();
  t.diagnostic(`seeds from ${first}`);
  for (let seed = first; seed < first + commitSeedCount; seed += 1) {
    const { failure } = runSeed({ seed, steps, trace: false });
    assert.equal(failure, undefined, `replay: npm run sim -- --seeds 1 --from ${seed} --trace`);
  }
});

test('the same seed gives the same run', () => {
  const [first, second] = [1, 2].map(() => runSeed({ seed: 77, steps, trace: true }));
  assert.deepEqual(first, second);
  assert.notDeepEqual(runSeed({ seed: 78, steps, trace: true }).timeline, first?.timeline);
});

test('where a name alone is heard, an empty disk in the place of a lost one breaks the cluster', (t) => {
  for (let seed = 1; seed <= seedCount; seed += 1) {
    const { failure } = runSeed({ seed, steps, trace: false, hearsEveryDisk: true });
    if (failure === undefined) continue;
    t.diagnostic(`seed ${seed}: ${failure}`);
    return;
  }
  assert.fail('the store id of a disk makes no difference');
});
