// Runs the simulator over many seeds and prints what happened in them.
//
//   node test/sim/sim-main.ts [--seeds N] [--from S] [--steps N] [--trace]
//
// A seed that fails is run again for its timeline; the command that replays it stands last.
import { parseArgs } from 'node:util';
import { runSeed } from './simulation.ts';
import { createCounts } from './world.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '1' },
    steps: { type: 'string', default: '3000' },
    trace: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});

const [seeds, from, steps] = [values.seeds, values.from, values.steps].map(Number);
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
if (seeds === undefined || from === undefined || steps === undefined) process.exit(2);
if (![seeds, from, steps].every((value) => Number.isSafeInteger(value) && value > 0)) {
  print('usage: sim-main.ts [--seeds N] [--from S] [--steps N] [--trace] [--keep]');
  process.exit(2);
}

const totals = createCounts();
const names = Object.keys(totals) as (keyof typeof totals)[];
const startedAt = performance.now();
let failures = 0;
let done = 0;
for (let seed = from; seed < from + seeds; seed += 1) {
  const result = runSeed({ seed, steps, trace: values.trace });
  done += 1;
  for (const name of names) totals[name] += result.counts[name];
  if (values.trace) print(result.timeline.join('\n'));
  if (result.failure === undefined) continue;
  failures += 1;
  if (!values.trace) print(runSeed({ seed, steps, trace: true }).timeline.slice(-60).join('\n'));
  print(`seed ${seed} failed: ${result.failure}`);
  print(`replay: node test/sim/sim-main.ts --seeds 1 --from ${seed} --steps ${steps} --trace`);
  if (!values.keep) break;
}
const seconds = (performance.now() - startedAt) / 1000;
for (const name of names) print(`${name.padEnd(20)} ${totals[name]}`);
print(`${done} seeds, ${failures} failed, ${(done / seconds).toFixed(1)} seeds a second`);
process.exitCode = failures === 0 ? 0 : 1;
