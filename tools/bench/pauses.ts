// How evenly a server writes: full-speed writes for a while, with long overlapping reads beside
// them, and how long the longest write took, how large SQLite's write-ahead log grew. Looks at the
// files of a local node, so it works on a cluster.json only.
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { ask, targetFrom } from '../server-target.ts';
import { percentile } from './figures.ts';

const help = `usage: node tools/run.mjs tools/bench/pauses.ts CLUSTER.JSON [options]

  --seconds N   how long (60)
  --writers N   writers, each with bulks of 100 rows of 100 bytes (16)
  --readers N   readers, each with one long read after the other (4)

exit codes: 0 measured, 1 failed, 2 wrong usage
`;

const sampleMs = 20;
const bulkRows = 100;

const longRead =
  'SELECT count(*) FROM bench_numbers a, bench_numbers b, bench_numbers c WHERE a.n + b.n + c.n = 7';

const walBytes = (dataFolder: string): number => {
  const generations = join(dataFolder, 'db');
  return readdirSync(generations, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(generations, entry.name, 'state.sqlite-wal'))
    .map((path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0)
    .reduce((left, right) => Math.max(left, right), 0);
};

const measure = async (file: string, seconds: number, writers: number, readers: number) => {
  const target = await targetFrom({ place: file });
  const cluster = JSON.parse(await readFile(file, 'utf8')) as {
    nodes: { url: string; data: string }[];
  };
  const data = cluster.nodes.find(({ url }) => url === target.url.origin)?.data ?? dirname(file);
  const execute = async (statements: readonly unknown[]): Promise<void> => {
    const answer = await ask(target, 'POST', '/db/execute', JSON.stringify(statements));
    if (answer.status !== 200) throw new Error(answer.body.toString('utf8'));
  };
  await execute([
    'CREATE TABLE IF NOT EXISTS bench_pauses(id INTEGER PRIMARY KEY, text TEXT)',
    'CREATE TABLE IF NOT EXISTS bench_numbers(n INTEGER PRIMARY KEY)',
  ]);
  await execute(
    Array.from({ length: 300 }, (_, n) => ['INSERT OR IGNORE INTO bench_numbers VALUES(?)', n]),
  );
  const until = performance.now() + seconds * 1000;
  const times: number[] = [];
  let walMax = 0;
  let reads = 0;
  let readsEnded = 0;
  const row = ['INSERT INTO bench_pauses(text) VALUES(?)', 'x'.repeat(100)];
  const write = async (): Promise<void> => {
    while (performance.now() < until) {
      const from = performance.now();
      await execute(Array.from({ length: bulkRows }, () => row));
      times.push(performance.now() - from);
    }
  };
  const read = async (): Promise<void> => {
    while (performance.now() < until) {
      const path = `/db/query?level=none&q=${encodeURIComponent(longRead)}`;
      const answer = await ask(target, 'GET', path);
      reads += 1;
      if (answer.body.includes('"error"')) readsEnded += 1;
    }
  };
  const sampler = setInterval(() => {
    walMax = Math.max(walMax, walBytes(data));
  }, sampleMs);
  await Promise.all([
    ...Array.from({ length: writers }, write),
    ...Array.from({ length: readers }, read),
  ]);
  clearInterval(sampler);
  const sorted = Float64Array.from(times).sort();
  const at = (share: number): string => percentile(sorted, share).toFixed(1);
  process.stdout.write(
    `${seconds} s, ${writers} writers, ${readers} readers: ${times.length * bulkRows} rows, ` +
      `a write p50 ${at(0.5)}, p99 ${at(0.99)}, p99.9 ${at(0.999)}, max ${at(1)} ms; ` +
      `${reads} reads, ${readsEnded} ended; write-ahead log at most ${(walMax / 2 ** 20).toFixed(0)} MiB\n`,
  );
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    writers: { type: 'string', default: '16' },
    readers: { type: 'string', default: '4' },
    help: { type: 'boolean', default: false },
  },
});
const [file] = positionals;
if (values.help || file === undefined) {
  process.stdout.write(help);
  process.exitCode = values.help ? 0 : 2;
} else {
  await measure(file, Number(values.seconds), Number(values.writers), Number(values.readers));
}
