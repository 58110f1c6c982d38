// The bench: its parts by hand, and one short run against a real server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { figuresOf, percentile } from '../../tools/bench/figures.ts';
import { cpuMicrosecondsOf, listenerPids, treeOf } from '../../tools/bench/process-tree.ts';
import { ResponseReader } from '../../tools/bench/response-reader.ts';
import { workloadsFrom } from '../../tools/bench/workloads.ts';
import { runTool } from './run-tool.ts';
import { serveSqlite } from './sqlite-server.ts';

const responses = {
  counted: 'HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello',
  chunked:
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=1\r\nlo\r\n0\r\n\r\n',
};

for (const [kind, text] of Object.entries(responses)) {
  test(`a ${kind} response is read whole, however it is cut into chunks`, () => {
    const bytes = Buffer.from(text);
    for (let size = 1; size <= bytes.length; size++) {
      const reader = new ResponseReader();
      for (let round = 0; round < 2; round++) {
        for (let at = 0; at < bytes.length; at += size) {
          const response = reader.take(bytes.subarray(at, at + size));
          assert.equal(response === undefined, at + size < bytes.length, `${size} at ${at}`);
          if (response === undefined) continue;
          assert.equal(response.status, 200);
          assert.equal(response.body.toString(), 'hello');
          assert.equal(response.closes, false);
        }
      }
    }
  });
}

test('a status, the end of the connection and what is not HTTP are told', () => {
  const reader = new ResponseReader();
  const closing = 'HTTP/1.1 503 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';
  assert.deepEqual(reader.take(Buffer.from(closing)), {
    status: 503,
    body: Buffer.alloc(0),
    closes: true,
  });
  assert.throws(() => reader.take(Buffer.from('SSH-2.0-x\r\n\r\n')), /no HTTP/);
});

test('percentiles are by nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.equal(percentile(hundred, 0.5), 50);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile(hundred, 0.999), 100);
  assert.equal(percentile([7], 0.5), 7);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

test('figures are over all slices, the quiet cost is that of the quietest quarter', () => {
  const slice = (cpuMicroseconds: number, latency: number) => ({
    requests: 10,
    failures: 0,
    failure: undefined,
    seconds: 0.5,
    latencies: Float64Array.from({ length: 10 }, () => latency),
    cpuMicroseconds,
  });
  const figures = figuresOf([slice(900, 1), slice(500, 2), slice(700, 3), slice(2000, 4)]);
  assert.equal(figures.requestsPerSecond, 20);
  assert.equal(figures.p50Ms, 2);
  assert.equal(figures.cpuMicroseconds, 102.5);
  assert.equal(figures.quietCpuMicroseconds, 50);
});

test('workloads are read from their names, others are refused', () => {
  assert.deepEqual(workloadsFrom('write@64,read-none@1'), [
    { name: 'write@64', kind: 'write', clients: 64 },
    { name: 'read-none@1', kind: 'read-none', clients: 1 },
  ]);
  for (const list of ['', 'write', 'write@0', 'write@1.5', 'write@5000', 'wrote@1']) {
    assert.throws(() => workloadsFrom(list), /is no workload/, list);
  }
});

const onLinux = { skip: process.platform !== 'linux' };

test(
  'the process that listens on a port is found, and the CPU time of its tree grows',
  onLinux,
  async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      assert.deepEqual(listenerPids(port), [process.pid]);
    } finally {
      server.close();
    }
    const before = cpuMicrosecondsOf([process.pid]) ?? 0;
    const busy =
      'const end = process.cpuUsage().user + 200_000; while (process.cpuUsage().user < end);';
    const child = spawn(process.execPath, ['-e', `${busy} process.stdin.resume()`], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    await once(child, 'spawn');
    assert.ok(treeOf([process.pid]).includes(child.pid ?? 0));
    child.stdin.end();
    await once(child, 'close');
    // The child is gone; what it used is on its parent's account now.
    assert.ok((cpuMicrosecondsOf([process.pid]) ?? 0) - before >= 150_000);
    assert.equal(cpuMicrosecondsOf([]), undefined);
  },
);

/** A line of the bench's JSON, as far as it is looked at. */
interface Line {
  readonly fdatasync?: { readonly p50Ms: number };
  readonly workload?: string;
  readonly server?: string;
  readonly requests?: number;
  readonly failures?: number;
  readonly failure?: string;
  readonly requestsPerSecond?: number;
  readonly p50Ms?: number;
}

const linesOf = (out: string): readonly Line[] =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

const bench = (...parameters: string[]) => runTool('tools/bench/main.ts', ...parameters);

test('a short run measures two servers beside the echo and leaves nothing behind', async () => {
  const database = new Database(':memory:');
  await using server = await serveSqlite(database);
  const run = await bench(
    ...['--url', server.url, '--vs', server.url, '--json', '--rounds', '1', '--slice-ms', '100'],
    ...['--workloads', 'bulk@2,rows@1'],
  );
  assert.equal(run.problems, '');
  assert.equal(run.code, 0);
  const [sync, ...lines] = linesOf(run.out);
  assert.ok((sync?.fdatasync?.p50Ms ?? 0) > 0);
  assert.equal(lines.length, 2 * 3);
  for (const line of lines) {
    assert.equal(line.failures, 0, JSON.stringify(line));
    for (const figure of [line.requests, line.requestsPerSecond, line.p50Ms]) {
      assert.ok((figure ?? 0) > 0, JSON.stringify(line));
    }
  }
  assert.deepEqual(database.prepare('SELECT name FROM sqlite_schema').all(), []);
  database.close();
});

test('answers that are errors are counted as failures, not as speed', async () => {
  const database = new Database(':memory:');
  await using server = await serveSqlite(database, /^SELECT/);
  const run = await bench(
    ...['--url', server.url, '--workloads', 'read-strong@1', '--no-echo', '--json', '--keep'],
    ...['--rounds', '1', '--slice-ms', '50'],
  );
  const line = linesOf(run.out)[1];
  assert.equal(line?.requests, 0);
  assert.ok((line?.failures ?? 0) > 0);
  assert.match(line?.failure ?? '', /^HTTP 200 .*refused/);
  assert.equal(database.prepare('SELECT count(*) FROM bench_rows').pluck().get(), 1000);
  database.close();
});

test('a command line that cannot be read ends with exit code 2 and the help', async () => {
  for (const parameters of [[], ['--url', 'x', '--rounds', '0'], ['--what']]) {
    const run = await bench(...parameters);
    assert.equal(run.code, 2);
    assert.match(run.problems, /usage:/);
  }
  const asked = await bench('--help');
  assert.equal(asked.code, 0);
  assert.match(asked.out, /exit codes:/);
});
