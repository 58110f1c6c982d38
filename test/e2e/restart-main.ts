// Measures how long a node with a large database is away after SIGKILL: from the start of its
// process to the first row that it serves and to the first write it takes, with the CPU time that
// all its processes had used by then. Prints lines for docs/PERFORMANCE.md.
//
//   node tools/run.mjs test/e2e/restart-main.ts [--rows N] [--rounds N] [--image] [--password]
//
// `--password`: the one who asks has a password and not a certificate. `--image`: then also the
// longest write while a copy of the database is made and sent.
import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { percentile } from '../../tools/bench/figures.ts';
import { cpuMicrosecondsOf } from '../../tools/bench/process-tree.ts';
import { Cluster, eventually, program } from './cluster.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '4000000' },
    rounds: { type: 'string', default: '5' },
    image: { type: 'boolean', default: false },
    password: { type: 'boolean', default: false },
  },
});
const [rows, rounds] = [Number(values.rows), Number(values.rounds)];
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const folder = mkdtempSync(join(tmpdir(), 'stockade-restart-'));

/** A database file with so many rows of some 75 bytes. */
const makeDatabase = (): string => {
  const file = join(folder, 'large.sqlite');
  const database = new DatabaseSync(file);
  database.exec(`CREATE TABLE big(id INTEGER PRIMARY KEY, a INTEGER, text TEXT);
    INSERT INTO big(a, text) WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT ${rows})
      SELECT x * 7919 % 1000003, printf('%060d', x) FROM c`);
  database.close();
  return file;
};

/** Sends a file to be loaded. */
const load = (cluster: Cluster, file: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const url = new URL('/db/load', cluster.file.nodes[0]?.url);
    const ca = readFileSync(cluster.file.ca);
    const headers = { 'content-type': 'application/octet-stream' };
    const auth = `admin:${cluster.password}`;
    const asked = request(url, { method: 'POST', ca, headers, auth }, (answer) => {
      answer.resume();
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`not loaded: ${answer.statusCode}`));
      });
    });
    asked.on('error', reject);
    createReadStream(file).pipe(asked);
  });

/** Some 16 MiB in SQLite's write-ahead log. */
const fillLog = async (cluster: Cluster): Promise<void> => {
  const rowsOfBulk = Array.from({ length: 100 }, () => [
    'INSERT INTO big(a, text) VALUES(?, ?)',
    1,
    'x'.repeat(500),
  ]);
  for (let bulk = 0; bulk < 200; bulk += 1) await cluster.execute(0, rowsOfBulk);
};

/** Who asks: by certificate, because a password costs a hash of 0.3 s at its first use. */
const identity = ({ file, password }: Cluster) => ({
  ca: readFileSync(file.ca),
  agent: false,
  ...(values.password
    ? { auth: `admin:${password}` }
    : { cert: readFileSync(file.admin.certificate), key: readFileSync(file.admin.key) }),
});

const cpuMs = (pid: number): number => Math.round((cpuMicrosecondsOf([pid]) ?? 0) / 1000);

const restart = async (cluster: Cluster, config: string, pid: number): Promise<number> => {
  process.kill(pid, 'SIGKILL');
  await eventually('it is gone', () => {
    try {
      process.kill(pid, 0);
      return Promise.resolve(false);
    } catch {
      return Promise.resolve(true);
    }
  });
  const since = performance.now();
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, 'run', '--config', config],
    { stdio: ['ignore', 'ignore', 'ignore'], env: { PATH: '/usr/bin:/bin' } },
  );
  const next = child.pid ?? 0;
  const serves = (path: string, body?: string): Promise<boolean> =>
    new Promise((resolve) => {
      const asked = request(new URL(path, cluster.file.nodes[0]?.url), {
        ...identity(cluster),
        method: body === undefined ? 'GET' : 'POST',
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
      });
      asked.on('error', () => resolve(false));
      asked.on('response', (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        answer.on('end', () => resolve(answer.statusCode === 200 && !text.includes('"error"')));
      });
      asked.end(body);
    });
  const read = '/db/query?level=none&q=SELECT+text+FROM+big+WHERE+id=77';
  const port = Number(new URL(cluster.file.nodes[0]?.url ?? '').port);
  while (!(await listens(port))) await new Promise((resolve) => setTimeout(resolve, 5));
  while (!(await serves(read))) await new Promise((resolve) => setTimeout(resolve, 2));
  const readMs = performance.now() - since;
  const cpu = cpuMs(next);
  const write = JSON.stringify([['INSERT INTO big(a) VALUES(?)', 1]]);
  while (!(await serves('/db/execute', write)))
    await new Promise((resolve) => setTimeout(resolve, 2));
  const writeMs = performance.now() - since;
  print(
    `serves a row after ${readMs.toFixed(0)} ms (CPU of all its processes ${cpu} ms), takes a write after ${writeMs.toFixed(0)} ms; load ${loadavg()[0]?.toFixed(1)}`,
  );
  return next;
};

const fetching = `
const [url, ca, auth] = process.argv.slice(1);
const { readFileSync } = await import('node:fs');
const { request } = await import('node:https');
request(url, { ca: readFileSync(ca), auth }, (answer) => {
  answer.resume();
  answer.on('end', () => process.exit(answer.statusCode === 200 ? 0 : 1));
}).end();`;

/** In a process of its own: what it does with 300 MB must not hold up who measures here. */
const fetchBackup = (cluster: Cluster): Promise<void> => {
  const url = new URL('/db/backup', cluster.file.nodes[0]?.url).href;
  const words = ['--input-type=module', '-e', fetching, url, cluster.file.ca];
  const child = spawn(process.execPath, [...words, `admin:${cluster.password}`]);
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error('no backup'))));
  });
};

/** A port that is not listened on refuses at once, which costs less than a request that fails. */
const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

/** Writes one after the other until `over`; how long each took. */
const writesUntil = async (cluster: Cluster, over: Promise<unknown>): Promise<string> => {
  let open = true;
  void over.finally(() => {
    open = false;
  });
  const times: number[] = [];
  while (open) {
    const since = performance.now();
    await cluster.execute(0, [['INSERT INTO big(a) VALUES(?)', 1]]);
    times.push(performance.now() - since);
  }
  const sorted = Float64Array.from(times).sort();
  const at = (share: number): string => percentile(sorted, share).toFixed(1);
  return `${times.length} writes, p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} ms; load ${loadavg()[0]?.toFixed(1)}`;
};

const cluster = await Cluster.start(1, ['--no-restart'], folder);
let pid = cluster.file.nodes[0]?.pid ?? 0;
try {
  const file = makeDatabase();
  print(`${rows} rows, ${(statSync(file).size / 1e6).toFixed(0)} MB`);
  await load(cluster, file);
  await fillLog(cluster);
  const config = cluster.file.nodes[0]?.config ?? '';
  if (values.image) {
    const quiet = writesUntil(cluster, new Promise((resolve) => setTimeout(resolve, 5000)));
    print(`nothing else: ${await quiet}`);
    // An image is made as a backup is: copied in one read transaction, then sent from the copy.
    const backup = fetchBackup(cluster);
    print(`while a copy is made and sent: ${await writesUntil(cluster, backup)}`);
  }
  for (let round = 0; round < rounds; round += 1) pid = await restart(cluster, config, pid);
} finally {
  process.kill(pid, 'SIGKILL');
  await cluster.stop().catch(() => undefined);
  rmSync(folder, { recursive: true, force: true });
}
