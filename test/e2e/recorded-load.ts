// Clients that write and read registers and lists on all nodes of a real cluster at once, and write
// down what they saw; afterwards the judge of the simulator looks for an order of everything that
// one copy could have given.
//
// Every write adds its id to a table in the same transaction, so that in the end it is known of
// each whether it took effect, also of those whose client heard nothing.
import assert from 'node:assert/strict';
import { isLinearizable, type Operation } from '../sim/linearizability.ts';
import { type Input, modelFor } from '../sim/workload.ts';
import type { Answer } from './ask.ts';
import { type Cluster, eventually } from './cluster.ts';

const keys = ['register-1', 'register-2', 'list-1', 'list-2'] as const;

/** A client gives up on an answer then; above every time-out of the server. */
const answerMsMax = 30_000;
/** Between two operations of a client, so that a run's history can be judged in a moment. */
const pauseMs = 15;

interface Written {
  readonly id: string;
  readonly outcome: 'acknowledged' | 'refused' | 'unknown';
}

interface Recorded {
  readonly key: string;
  readonly operation: Operation<Input, string>;
  /** Of writes. */
  readonly id: string | undefined;
}

/** What the clients did, for the record of a test. */
export interface LoadCounts {
  acknowledged: number;
  read: number;
  refused: number;
  unknown: number;
}

/** A running load. */
export class RecordedLoad {
  readonly counts: LoadCounts = { acknowledged: 0, read: 0, refused: 0, unknown: 0 };
  readonly #cluster: Cluster;
  readonly #recorded: Recorded[] = [];
  readonly #written: Written[] = [];
  readonly #clients: Promise<void>[];
  #clock = 0;
  #ids = 0;
  #running = true;

  private constructor(cluster: Cluster, clientsPerNode: number) {
    this.#cluster = cluster;
    const clients = Array.from({ length: clientsPerNode * cluster.nodeCount }, (_, at) => at);
    this.#clients = clients.map((at) => this.#client(at % cluster.nodeCount));
  }

  /** Makes the tables and starts clients, as many at every node. */
  static async start(cluster: Cluster, clientsPerNode: number): Promise<RecordedLoad> {
    await cluster.execute(0, [
      'CREATE TABLE cells (k TEXT PRIMARY KEY, v TEXT NOT NULL)',
      'CREATE TABLE done (id TEXT NOT NULL)',
      ...keys.map((key) => ['INSERT INTO cells VALUES (?, ?)', key, '']),
    ]);
    return new RecordedLoad(cluster, clientsPerNode);
  }

  /** Waits until this many more writes are acknowledged and this many more reads answered. */
  async goesOn(what: string, more: number): Promise<void> {
    const { acknowledged, read } = this.counts;
    await eventually(`operations complete while ${what}`, () =>
      Promise.resolve(
        this.counts.acknowledged >= acknowledged + more && this.counts.read >= read + more,
      ),
    );
  }

  /** No client begins anything more; resolves when all have their last answer. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#clients);
  }

  /** Stops, and fails unless everything that was seen is what one copy could have answered. */
  async judge(): Promise<void> {
    await this.stop();
    const done = await this.#idsDone();
    const wasDone = new Set(done);
    assert.equal(wasDone.size, done.length, 'no write took effect twice');
    const ids = (outcome: Written['outcome']): readonly string[] =>
      this.#written.filter((one) => one.outcome === outcome).map(({ id }) => id);
    const lost = ids('acknowledged').filter((id) => !wasDone.has(id));
    const refusedAndDone = ids('refused').filter((id) => wasDone.has(id));
    assert.deepEqual({ lost, refusedAndDone }, { lost: [], refusedAndDone: [] });
    for (const key of keys) {
      const history = this.#historyOf(key, wasDone);
      assert.ok(isLinearizable(modelFor(history), history), `${key} is not linearizable`);
    }
  }

  /** What took effect, in the order in which it did. */
  async #idsDone(): Promise<readonly string[]> {
    const rows = await this.#cluster.query(0, 'SELECT id FROM done ORDER BY rowid', 'linearizable');
    return rows.map(([id]) => String(id));
  }

  #historyOf(key: string, wasDone: ReadonlySet<string>): Operation<Input, string>[] {
    const end = this.#clock + 1;
    return this.#recorded
      .filter((one) => one.key === key)
      .flatMap(({ operation, id }) => {
        if (operation.returned !== undefined || id === undefined) return [operation];
        // Nobody heard of it: it took effect by now, or never will.
        return wasDone.has(id) ? [{ ...operation, returned: { at: end, output: undefined } }] : [];
      });
  }

  async #client(at: number): Promise<void> {
    while (this.#running) {
      const key = keys[Math.floor(Math.random() * keys.length)] ?? keys[0];
      if (Math.random() < 0.5) await this.#read(at, key);
      else await this.#write(at, key);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async #read(at: number, key: string): Promise<void> {
    const calledAt = ++this.#clock;
    const body = JSON.stringify([['SELECT v FROM cells WHERE k = ?', key]]);
    const answer = await this.#ask(at, '/db/query?level=linearizable', body);
    const output = valueIn(answer);
    // A read that nobody heard of changed nothing and tells nothing.
    if (output === undefined) return;
    this.counts.read += 1;
    const returned = { at: ++this.#clock, output };
    const operation = { input: { kind: 'read', value: '' }, calledAt, returned } as const;
    this.#recorded.push({ key, id: undefined, operation });
  }

  async #write(at: number, key: string): Promise<void> {
    const value = String(++this.#ids);
    const id = `w${value}`;
    const kind = key.startsWith('list') ? 'append' : 'write';
    const calledAt = ++this.#clock;
    const change =
      kind === 'append'
        ? ['UPDATE cells SET v = v || ? WHERE k = ?', `,${value}`, key]
        : ['UPDATE cells SET v = ? WHERE k = ?', value, key];
    const body = JSON.stringify([change, ['INSERT INTO done (id) VALUES (?)', id]]);
    const answer = await this.#ask(at, '/db/execute?transaction', body);
    const outcome = outcomeOf(answer);
    this.counts[outcome] += 1;
    this.#written.push({ id, outcome });
    if (outcome === 'refused') return;
    const returned = outcome === 'unknown' ? undefined : { at: ++this.#clock, output: '' };
    this.#recorded.push({ key, id, operation: { input: { kind, value }, calledAt, returned } });
  }

  async #ask(at: number, path: string, body: string): Promise<Answer | 'not-sent' | undefined> {
    try {
      return await this.#cluster.ask(at, path, { body, timeoutMs: answerMsMax });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      return code === 'ECONNREFUSED' ? 'not-sent' : undefined;
    }
  }
}

const outcomeOf = (answer: Answer | 'not-sent' | undefined): Written['outcome'] => {
  if (answer === undefined) return 'unknown';
  if (answer === 'not-sent' || answer.text.includes('"applied":"no"')) return 'refused';
  return answer.status === 200 && !answer.text.includes('"error"') ? 'acknowledged' : 'unknown';
};

const valueIn = (answer: Answer | 'not-sent' | undefined): string | undefined => {
  if (answer === undefined || answer === 'not-sent' || answer.status !== 200) return undefined;
  const body = answer.json as { readonly results?: { readonly values?: unknown[][] }[] };
  const value = body.results?.[0]?.values?.[0]?.[0];
  return typeof value === 'string' ? value : undefined;
};
