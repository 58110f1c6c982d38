// Clients that write numbered rows, each with an Idempotency-Key and again and again until it is
// acknowledged. Every write also counts up its client's counter, so that one that is lost or done
// twice shows in two ways.

import type { Nodes } from './nodes.ts';
import { pause } from './nodes.ts';

/** Between two writes of a client: a cluster at work, not at its limit. */
const restMs = 40;
/** How clients behave. */
export interface Manner {
  /** Between two tries of one write. */
  readonly retryMs: number;
  /** A client stays with a node until a write fails there; otherwise each goes to another one. */
  readonly stays: boolean;
}

const mannerDefault: Manner = { retryMs: 250, stays: false };
/** A write that is not taken for so long is a finding. */
const patienceMs = 180_000;
/** After so many writes a client reads its counter, linearizably, at any node. */
const readEvery = 25;
const payload = 'x'.repeat(150);

/** What the clients saw. */
export interface LoadFigures {
  acknowledged: number;
  /** Writes that needed more than one try, and the most that one needed. */
  triedAgain: number;
  triesMax: number;
  reads: number;
  readsFailed: number;
  readonly latenciesMs: number[];
  /** Refusals and losses by what was said, each with how often. */
  readonly refusals: Map<string, number>;
}

/** A running load. */
export class Load {
  readonly figures: LoadFigures = {
    ...{ acknowledged: 0, triedAgain: 0, triesMax: 0, reads: 0, readsFailed: 0 },
    latenciesMs: [],
    refusals: new Map(),
  };
  /** Acknowledged writes of each client. */
  readonly counts: number[];
  readonly #nodes: Nodes;
  readonly #finding: (what: string) => void;
  readonly #manner: Manner;
  /** How often each client went to another node. */
  readonly #moves: number[] = [];
  readonly #run: Promise<void>[];
  #stopped = false;

  private constructor(
    nodes: Nodes,
    clients: number,
    finding: (what: string) => void,
    manner: Manner,
  ) {
    this.#nodes = nodes;
    this.#manner = manner;
    this.#finding = finding;
    this.counts = Array.from({ length: clients }, () => 0);
    this.#run = this.counts.map((_, client) => this.#client(client));
  }

  /** Makes the tables and starts the clients. */
  static async start(
    nodes: Nodes,
    clients: number,
    finding: (what: string) => void,
    manner = mannerDefault,
  ): Promise<Load> {
    const body = JSON.stringify([
      'CREATE TABLE rows (client INTEGER, n INTEGER, payload TEXT)',
      'CREATE TABLE counters (client INTEGER PRIMARY KEY, n INTEGER)',
      ...Array.from({ length: clients }, (_, at) => ['INSERT INTO counters VALUES (?, 0)', at]),
    ]);
    const { status, body: said } = await nodes.ask(0, '/db/execute?transaction', { body });
    if (status !== 200 || said.includes('"error"')) throw new Error(said.toString());
    return new Load(nodes, clients, finding, manner);
  }

  /** Waits until every client has written so often again. */
  async goesOn(writes: number): Promise<boolean> {
    const wanted = this.counts.map((count) => count + writes);
    const end = performance.now() + patienceMs;
    while (this.counts.some((count, client) => count < (wanted[client] ?? 0))) {
      if (performance.now() > end) return false;
      await pause(100);
    }
    return true;
  }

  /** Begins nothing more; resolves when every write that was begun is acknowledged. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#run);
  }

  async #client(client: number): Promise<void> {
    for (let n = 1; !this.#stopped; n++) {
      if (!(await this.#writeUntilTaken(client, n))) return;
      this.counts[client] = n;
      if (n % readEvery === 0) await this.#read(client, n);
      await pause(restMs);
    }
  }

  /** False: it was given up, and the client with it. */
  async #writeUntilTaken(client: number, n: number): Promise<boolean> {
    const { figures } = this;
    const key = `soak-${client}-${n}`;
    const began = performance.now();
    for (let tries = 1; ; tries++) {
      const turn = this.#manner.stays ? (this.#moves[client] ?? 0) : n + tries;
      const refusal = await this.#write((client + turn) % this.#voters(), client, n, key);
      if (refusal === '') {
        figures.acknowledged += 1;
        figures.latenciesMs.push(performance.now() - began);
        if (tries > 1) figures.triedAgain += 1;
        figures.triesMax = Math.max(figures.triesMax, tries);
        return true;
      }
      this.#moves[client] = (this.#moves[client] ?? 0) + 1;
      figures.refusals.set(refusal, (figures.refusals.get(refusal) ?? 0) + 1);
      if (performance.now() - began > patienceMs) {
        this.#finding(`a write was not taken for ${patienceMs / 1000} s; last: ${refusal}`);
        return false;
      }
      await pause(this.#manner.retryMs);
    }
  }

  #voters(): number {
    return Math.min(3, this.#nodes.all.length);
  }

  /** Empty when it is acknowledged; otherwise what was said, without what differs each time. */
  async #write(at: number, client: number, n: number, key: string): Promise<string> {
    const body = JSON.stringify([
      ['INSERT INTO rows VALUES (?, ?, ?)', client, n, payload],
      ['UPDATE counters SET n = n + 1 WHERE client = ?', client],
    ]);
    const headers = { 'idempotency-key': key };
    try {
      const answer = await this.#nodes.ask(at, '/db/execute?transaction', { body, headers });
      const text = answer.body.toString();
      if (answer.status === 200 && !text.includes('"error"')) return '';
      const code = /"code":"(\w+)"/.exec(text)?.[1] ?? text.slice(0, 80);
      if (code === 'key_reused') this.#finding(`${key}: ${text}`);
      return `${answer.status} ${code}`;
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : 'no answer in time';
    }
  }

  /** What was acknowledged is there, whichever node is asked. */
  async #read(client: number, n: number): Promise<void> {
    const at = (client + n) % this.#voters();
    const body = JSON.stringify([['SELECT n FROM counters WHERE client = ?', client]]);
    const path = '/db/query?level=linearizable';
    const answer = await this.#nodes.ask(at, path, { body }).catch(() => undefined);
    const found = /\[\[(\d+)\]\]/.exec(answer?.body.toString() ?? '')?.[1];
    if (answer?.status !== 200 || found === undefined) {
      this.figures.readsFailed += 1;
      return;
    }
    this.figures.reads += 1;
    if (Number(found) === n) return;
    this.#finding(`client ${client} has ${n} acknowledged writes, n${at + 1} read ${found}`);
  }
}
