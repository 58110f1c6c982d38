// A real cluster for end-to-end tests: `stockade up` as a process of its own, its nodes as real
// processes, HTTPS with the CA it made. Everything is bounded and removed afterwards.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Answer, type AskOptions, askNode } from './ask.ts';

/** The main program of the command. */
export const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Patience for anything that must happen; far above what it takes on an idle machine. */
export const patienceMs = 90_000;

/** cluster.json, as far as tests need it. */
export interface ClusterFile {
  readonly ca: string;
  readonly peerCa: string;
  readonly authority: string;
  readonly admin: {
    readonly user: string;
    readonly passwordFile: string;
    readonly certificate: string;
    readonly key: string;
  };
  readonly auth: string;
  readonly nodes: readonly {
    readonly name: string;
    readonly url: string;
    readonly peer: string;
    readonly pid: number;
    readonly data: string;
    readonly config: string;
  }[];
}

/** How a command of `stockade` ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `stockade` to its end, in the folder `cwd`. */
export const stockade = (words: readonly string[], cwd = process.cwd()): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...words], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: patienceMs,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });

const canListen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** A port base whose ports for `nodes` nodes are free now. */
export const freePortBase = async (nodes: number): Promise<number> => {
  for (let attempt = 0; attempt < 100; attempt++) {
    const base = 10_000 + Math.floor(Math.random() * 20_000);
    const ports = Array.from({ length: nodes }, (_, at) => [base + 10 * at, base + 10 * at + 1]);
    const free = await Promise.all(ports.flat().map(canListen));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no free ports on this machine');
};

/** Waits until `condition` gives something; fails after `patienceMs`. */
export const eventually = async <T>(
  what: string,
  condition: () => Promise<T | undefined | false>,
): Promise<T> => {
  const until = performance.now() + patienceMs;
  while (performance.now() < until) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain: ${what}`);
};

/** A running cluster. */
export class Cluster {
  readonly folder: string;
  readonly stdout: string;
  readonly portBase: number;
  readonly nodeCount: number;
  readonly #up: ChildProcess;
  readonly #agent: Agent;
  readonly #ca: string;
  readonly password: string;

  private constructor(
    folder: string,
    portBase: number,
    nodeCount: number,
    up: ChildProcess,
    stdout: string,
  ) {
    this.folder = folder;
    this.portBase = portBase;
    this.nodeCount = nodeCount;
    this.#up = up;
    this.stdout = stdout;
    this.#ca = readFileSync(this.file.ca, 'utf8');
    this.password = readFileSync(this.file.admin.passwordFile, 'utf8').trim();
    this.#agent = new Agent({ ca: this.#ca, keepAlive: true, maxSockets: 64 });
  }

  /** Starts `stockade up` and waits until it says that all nodes serve. */
  static async start(
    nodes = 3,
    options: readonly string[] = [],
    folder?: string,
  ): Promise<Cluster> {
    const parent = folder ?? mkdtempSync(join(tmpdir(), 'stockade-e2e-'));
    const portBase = await freePortBase(nodes);
    return Cluster.resume(join(parent, 'cluster'), portBase, nodes, [
      '--nodes',
      String(nodes),
      '--port-base',
      String(portBase),
      ...options,
    ]);
  }

  /** Starts `stockade up` on a folder. */
  static async resume(
    folder: string,
    portBase: number,
    nodes: number,
    options: readonly string[] = [],
  ): Promise<Cluster> {
    const up = spawn(process.execPath, [program, 'up', '--data', folder, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    up.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    up.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    await eventually('stockade up serves', () => {
      if (up.exitCode !== null) throw new Error(`stockade up ended: ${stderr}`);
      return Promise.resolve(stdout.includes('Ctrl-C stops everything'));
    });
    return new Cluster(folder, portBase, nodes, up, stdout);
  }

  /** cluster.json as it is now. */
  get file(): ClusterFile {
    return JSON.parse(readFileSync(join(this.folder, 'cluster.json'), 'utf8')) as ClusterFile;
  }

  /** One request to node `at` (from 0), as the administrator unless said otherwise. */
  ask(at: number, path: string, options: AskOptions = {}): Promise<Answer> {
    const user = 'user' in options ? options.user : { name: 'admin', password: this.password };
    return askNode(this.#agent, this.portBase + 10 * at, path, { ...options, user });
  }

  /** Executes statements on node `at`; fails unless the answer is 200 without any error. */
  async execute(at: number, statements: readonly unknown[], query = ''): Promise<unknown> {
    const answer = await this.ask(at, `/db/execute${query}`, { body: JSON.stringify(statements) });
    assert.equal(answer.status, 200, answer.text);
    assert.doesNotMatch(answer.text, /"error"/);
    return answer.json;
  }

  /** Runs one query on node `at` and gives the rows. */
  async query(at: number, sql: string, level = 'weak'): Promise<readonly (readonly unknown[])[]> {
    const path = `/db/query?level=${level}&q=${encodeURIComponent(sql)}`;
    const answer = await this.ask(at, path);
    assert.equal(answer.status, 200, answer.text);
    const body = answer.json as { results: { values?: unknown[][]; error?: string }[] };
    assert.equal(body.results[0]?.error, undefined, answer.text);
    return body.results[0]?.values ?? [];
  }

  /** Number (from 0) of the node that leads, as node `ask` sees it; undefined when none does. */
  async leader(ask = 0): Promise<number | undefined> {
    const answer = await this.ask(ask, '/status', { timeoutMs: 5000 }).catch(() => undefined);
    const status = answer?.json as { store?: { leader?: { node_id?: string } } } | undefined;
    const name = status?.store?.leader?.node_id;
    if (name === undefined || name === '') return undefined;
    return Number(name.slice(1)) - 1;
  }

  /** Stops everything as Ctrl-C does and gives the exit code. */
  async stop(): Promise<number | null> {
    this.#agent.destroy();
    if (this.#up.exitCode !== null) return this.#up.exitCode;
    const ended = new Promise<number | null>((resolve) => this.#up.once('exit', resolve));
    this.#up.kill('SIGINT');
    return ended;
  }

  /** Stops everything and removes the folder. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(join(this.folder, '..'), { recursive: true, force: true });
  }
}
