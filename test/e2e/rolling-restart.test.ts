// Three nodes are restarted one after the other while clients write: each client stays with a node
// until a write fails there, then goes to the next one and sends the same write once more, a
// quarter of a second later.
// STOCKADE_TEST_ROLLING=SECONDS lets that much time pass between two restarts (2 by default).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from './cluster.ts';
import { MeetingNodes } from './meeting-nodes.ts';

const clientsCount = 4;
const retryMs = 250;
const pauseMs = Number(process.env['STOCKADE_TEST_ROLLING'] ?? 2) * 1000;

/** A client that writes numbered rows until it is told to stop. */
class Writer {
  readonly #nodes: MeetingNodes;
  readonly #agent: Agent;
  readonly #auth: string;
  readonly #client: number;
  #at: number;
  #stopped = false;
  /** Milliseconds from the first attempt to success, and attempts, of every write. */
  readonly latenciesMs: number[] = [];
  readonly failures: string[] = [];
  attemptsMax = 0;

  constructor(nodes: MeetingNodes, client: number) {
    this.#nodes = nodes;
    this.#client = client;
    this.#at = client % 3;
    const ca = readFileSync(join(nodes.folderOf(0), 'certs', 'client-ca.crt'));
    this.#agent = new Agent({ ca, keepAlive: true });
    const password = readFileSync(join(nodes.folder, 'admin.password'), 'utf8').trim();
    this.#auth = `admin:${password}`;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    for (let row = 0; !this.#stopped; row++) {
      const since = performance.now();
      let attempts = 0;
      for (;;) {
        attempts += 1;
        const failure = await this.#write(`${this.#client}-${row}`);
        if (failure === '') break;
        this.failures.push(failure);
        this.#at = (this.#at + 1) % 3;
        await pause(retryMs);
        assert.ok(attempts < 20, `a write is never taken: ${failure}`);
      }
      this.attemptsMax = Math.max(this.attemptsMax, attempts);
      this.latenciesMs.push(performance.now() - since);
    }
    this.#agent.destroy();
  }

  /** Empty when it is acknowledged. Sent twice, it is written once. */
  #write(key: string): Promise<string> {
    const at = this.#at;
    return new Promise((resolve) => {
      const asked = request(
        {
          ...{ host: '127.0.0.1', port: this.#nodes.portBase + 10 * at, agent: this.#agent },
          ...{ path: '/db/execute', method: 'POST', auth: this.#auth, timeout: 20_000 },
          headers: { 'content-type': 'application/json' },
        },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          response.on('end', () => {
            const good = response.statusCode === 200 && !text.includes('"error"');
            resolve(good ? '' : `n${at + 1}: ${response.statusCode} ${text.slice(0, 120)}`);
          });
        },
      );
      asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
      asked.on('error', (error) => resolve(`n${at + 1}: ${error.message}`));
      asked.end(JSON.stringify([['INSERT OR IGNORE INTO t VALUES (?)', key]]));
    });
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('a rolling restart of three nodes under load: no write is tried more than twice, nothing that was acknowledged is lost or there twice', async (context) => {
  const nodes = await MeetingNodes.prepare(3);
  context.after(() => nodes.remove());
  const all = nodes.join([0, 1, 2]);
  const runs = [0, 1, 2].map((at) => nodes.run(at, 3, all));
  for (const run of runs) await run.says(/"msg":"serving"/);
  await nodes.ask(0, '/db/execute', '["CREATE TABLE t (a TEXT PRIMARY KEY)"]');
  const writers = Array.from({ length: clientsCount }, (_, client) => new Writer(nodes, client));
  const writing = Promise.all(writers.map((writer) => writer.run()));
  await pause(pauseMs);
  for (const [at, run] of runs.entries()) {
    assert.equal(await run.stop(), 0);
    const again = nodes.run(at, 3, all);
    await again.says(/"msg":"serving"/);
    await pause(pauseMs);
  }
  for (const writer of writers) writer.stop();
  await writing;
  const latencies = writers.flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b);
  const at = (share: number): string =>
    (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(1);
  const failures = writers.flatMap((writer) => writer.failures);
  context.diagnostic(
    `${latencies.length} writes by ${clientsCount} clients, ${failures.length} sent again; ` +
      `ms: p50 ${at(0.5)}, p99 ${at(0.99)}, p99.9 ${at(0.999)}, longest ${(latencies.at(-1) ?? 0).toFixed(0)}`,
  );
  for (const failure of failures) context.diagnostic(failure);
  // A node that is gone refuses the connection. Whoever is connected is answered until then, with
  // `Connection: close`, and who leads meanwhile is no concern of a client.
  assert.ok(Math.max(...writers.map(({ attemptsMax }) => attemptsMax)) <= 2, failures.join('\n'));
  assert.ok(failures.length <= 3 * clientsCount, failures.join('\n'));
  for (const node of [0, 1, 2]) {
    await eventually(`n${node + 1} has every acknowledged row`, async () => {
      const answer = await nodes.ask(node, '/db/query?level=none&q=SELECT%20count(*)%20FROM%20t');
      return answer.includes(`[[${latencies.length}]]`);
    });
  }
});
