// Applies many random logs in three variants each and prints how they went.
//
//   node test/db/invariance/invariance-main.ts [--seeds N] [--from S] [--kills PERCENT] [--naive]
//     [--captured]
//
// A seed that fails is named, with the first line that differs.
import { parseArgs } from 'node:util';
import { runSeed } from './invariance.ts';
import { Victims } from './victims.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    kills: { type: 'string', default: '50' },
    naive: { type: 'boolean', default: false },
    captured: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});

const [seeds, from, kills] = [values.seeds, values.from, values.kills].map(Number);
if (seeds === undefined || from === undefined || kills === undefined) process.exit(2);
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const victims = kills > 0 ? new Victims(kills) : undefined;
const startedMs = performance.now();
let [done, failed, entries, refused, naive] = [0, 0, 0, 0, 0];
for (let seed = from; seed < from + seeds; seed += 1) {
  const options = {
    naive: values.naive,
    captured: values.captured,
    ...(victims === undefined ? {} : { victims }),
  };
  const result = await runSeed(seed, options).catch((error: unknown) => {
    const difference = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { entries: 0, refused: 0, difference, naiveDiffers: false };
  });
  done += 1;
  entries += result.entries;
  refused += result.refused;
  if (result.naiveDiffers) naive += 1;
  if (done % 1000 === 0) print(`${done} logs, ${failed} failed`);
  if (result.difference === undefined) continue;
  failed += 1;
  print(`seed ${seed}: ${result.difference}`);
  if (!values.keep) break;
}
victims?.close();
const seconds = (performance.now() - startedMs) / 1000;
print(
  `${done} logs of ${(entries / done).toFixed(1)} entries (${refused} commands refused by the guard)`,
);
print(
  `${failed} differed between their three variants; ${victims?.kills ?? 0} SIGKILLs in the middle of a log`,
);
if (values.naive) print(`${naive} differed in the naive loop when its batches were cut elsewhere`);
print(`${seconds.toFixed(0)} s, ${(done / seconds).toFixed(1)} logs a second`);
process.exitCode = failed === 0 ? 0 : 1;
