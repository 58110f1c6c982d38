// Three nodes on loopback, formed as an operator forms them (`init`, `admit`, `join`), each a tree
// of processes that a fault may hit. Node i (from 0) has HTTPS on base + 10 i, its peers on the
// next port and newcomers on the one behind. Only what was started here is ever ended.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';

const patienceMs = 120_000;
const look = 100;

/** Where the commands of a build are. */
export interface Build {
  /** Entry of `stockade` and of `stockade-certs`. */
  readonly stockade: string;
  readonly certs: string;
}

/** What a command came to. */
export interface Ended {
  readonly code: number | null;
  readonly text: string;
}

/** An HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** A request beyond its path. */
export interface Wish {
  readonly body?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** `/status`, as far as a soak reads it. */
export interface Status {
  readonly store: {
    readonly leader: { readonly node_id: string };
    readonly db_applied_index: number;
    readonly outcome_chain: { readonly index: number; readonly chain: string };
    readonly raft: { readonly term: number };
  };
  readonly processes: {
    readonly node: number;
    readonly writer: { readonly pid: number };
    readonly fronts: { readonly pids: readonly number[] };
  };
  readonly alarms: readonly { readonly name: string; readonly message: string }[];
}

/** Waits a while. */
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `condition` holds. @throws Error with `what` when that takes too long */
export const until = async (
  what: string,
  condition: () => Promise<boolean>,
  waitMs = patienceMs,
): Promise<void> => {
  const end = performance.now() + waitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${waitMs / 1000} s in vain: ${what}`);
    await pause(look);
  }
};

/** Runs a program of this Node.js to its end. */
export const run = (words: readonly string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [...nodeOptions, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: patienceMs,
      env: { PATH: '/usr/bin:/bin' },
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('close', (code) => resolve({ code, text: Buffer.concat(chunks).toString() }));
  });

const nodeOptions = ['--disable-warning=ExperimentalWarning'];

interface Node {
  readonly name: string;
  /** A node that comes back under its old name has another folder than before. */
  folder: string;
  child: ChildProcess | undefined;
}

/** See the head of this file. */
export class Nodes {
  readonly folder: string;
  readonly portBase: number;
  readonly #build: Build;
  readonly #nodes: Node[] = [];
  #agent: Agent | undefined;
  #auth = '';

  /** @param folder made by the caller; nodes are below it */
  constructor(folder: string, portBase: number, build: Build) {
    this.folder = folder;
    this.portBase = portBase;
    this.#build = build;
  }

  /** Forms a cluster of `folders.length` nodes; the first one's folder has the authority. */
  async form(folders: readonly string[]): Promise<void> {
    const [first = ''] = folders;
    const names = folders.map((_, at) => `n${at + 1}`);
    const words = ['init', '--name', 'n1', '--advertise', '127.0.0.1'];
    await this.stockade(...words, '--data', first, ...this.#ports(0));
    this.#nodes.push({ name: 'n1', folder: first, child: undefined });
    this.start(0);
    const ca = readFileSync(join(first, 'certs', 'client-ca.crt'));
    this.#agent = new Agent({ ca, keepAlive: true, maxSockets: 256 });
    this.#auth = `admin:${readFileSync(join(first, 'admin.password'), 'utf8').trim()}`;
    await this.serves(0);
    for (const [at, folder] of folders.entries()) {
      if (at > 0) await this.admit(at, names[at] ?? '', folder);
    }
  }

  /** Numbers of the nodes that exist. */
  get all(): readonly number[] {
    return this.#nodes.map((_, at) => at);
  }

  /** The folder of node `at` as it is now. */
  folderOf(at: number): string {
    return this.#node(at).folder;
  }

  /** The process id of node `at`; 0 when it does not run. */
  pidOf(at: number): number {
    const { child } = this.#node(at);
    return child === undefined || child.exitCode !== null || child.signalCode !== null
      ? 0
      : (child.pid ?? 0);
  }

  /** Starts node `at`; what it says goes to a file beside its data. */
  start(at: number, build = this.#build): void {
    const node = this.#node(at);
    const log = openSync(join(node.folder, 'soak.log'), 'a');
    const words = ['run', '--config', join(node.folder, 'node.yaml')];
    node.child = spawn(process.execPath, [...nodeOptions, build.stockade, ...words], {
      stdio: ['ignore', log, log],
      env: { PATH: '/usr/bin:/bin' },
    });
  }

  /** Sends node `at` a signal and waits until it is gone; its exit code. */
  async end(at: number, signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this.#node(at);
    if (child === undefined || this.pidOf(at) === 0) return null;
    const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill(signal);
    return gone;
  }

  /** Whether node `at` says that it is ready. */
  async isReady(at: number): Promise<boolean> {
    const answer = await this.ask(at, '/readyz', { timeoutMs: 3000 }).catch(() => undefined);
    return answer?.status === 200;
  }

  /** Waits until node `at` serves. */
  async serves(at: number): Promise<void> {
    await until(`n${at + 1} serves`, async () => {
      if (this.pidOf(at) === 0) throw new Error(`n${at + 1} ended by itself, see its log`);
      return this.isReady(at);
    });
  }

  /** Lets a node join as number `at`, from an empty folder, and starts it. */
  async admit(
    at: number,
    name: string,
    folder: string,
    more: readonly string[] = [],
  ): Promise<void> {
    const authority = join(this.folderOf(0), 'authority');
    const where = ['--data', this.folderOf(0), '--authority', authority];
    const child = spawn(
      process.execPath,
      [...nodeOptions, this.#build.stockade, 'admit', name, ...where, ...more],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/bin:/bin' } },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    }
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    try {
      let token = '';
      await until(`a join line for ${name}`, async () => {
        if (child.exitCode !== null) throw new Error(`admit ${name} ended: ${said}`);
        token = /^stockade join (STK1-\S+)/m.exec(said)?.[1] ?? '';
        return token !== '';
      });
      // It has to be a member before it starts, and admit ends when it has joined.
      const words = ['join', token, '--no-start', '--data', folder, ...this.#ports(at)];
      await this.stockade(...words, '--advertise', '127.0.0.1');
      this.#nodes[at] = { name, folder, child: undefined };
      this.start(at);
      await this.serves(at);
      const code = await ended;
      if (code !== 0) throw new Error(`admit ${name} ended with ${code}: ${said}`);
    } finally {
      child.kill();
    }
  }

  /** Takes node `at` (the last one) off the list; it does not run any more. */
  forget(at: number): void {
    this.#nodes.splice(at, 1);
  }

  /** A command of `stockade`. @throws Error when it does not end with 0 */
  stockade(...words: readonly string[]): Promise<string> {
    return done(words, run([this.#build.stockade, ...words]));
  }

  /** A command of `stockade-certs` with the authority. @throws Error when it does not end with 0 */
  certs(...words: readonly string[]): Promise<string> {
    const authority = ['--authority', join(this.folderOf(0), 'authority')];
    return done(words, run([this.#build.certs, ...words, ...authority]));
  }

  /** One request to node `at` as the administrator. Rejects when no answer comes. */
  ask(at: number, path: string, wish: Wish = {}): Promise<Answer> {
    const { body, headers, timeoutMs = 15_000 } = wish;
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          ...{ host: '127.0.0.1', port: this.portBase + 10 * at, agent: this.#agent, path },
          method: wish.method ?? (body === undefined ? 'GET' : 'POST'),
          auth: this.#auth,
          timeout: timeoutMs,
          headers: {
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
          );
        },
      );
      // The socket's own clock starts anew with every byte; this one does not.
      const late = setTimeout(() => asked.destroy(new Error('no answer in time')), timeoutMs);
      asked.on('close', () => clearTimeout(late));
      asked.on('error', reject);
      asked.end(body);
    });
  }

  /** The status of node `at`. Rejects when it does not answer. */
  async status(at: number): Promise<Status> {
    const { body } = await this.ask(at, '/status', { timeoutMs: 5000 });
    return JSON.parse(body.toString()) as Status;
  }

  /** Number of the node that leads, as any node says. */
  async leader(): Promise<number> {
    for (const at of this.all) {
      const status = await this.status(at).catch(() => undefined);
      const found = this.#nodes.findIndex(({ name }) => name === status?.store.leader.node_id);
      if (found >= 0) return found;
    }
    throw new Error('nobody knows a leader');
  }

  /** Ends all nodes. */
  async stop(): Promise<void> {
    this.#agent?.destroy();
    for (const at of this.all) {
      // One that is stopped by a signal ends only when it goes on.
      if (this.pidOf(at) !== 0) process.kill(this.pidOf(at), 'SIGCONT');
    }
    await Promise.all(this.all.map((at) => this.end(at, 'SIGTERM')));
  }

  #node(at: number): Node {
    const node = this.#nodes[at];
    if (node === undefined) throw new Error(`there is no node ${at}`);
    return node;
  }

  #ports(at: number): readonly string[] {
    const port = this.portBase + 10 * at;
    return ['--http-port', String(port), '--peer-port', String(port + 1)];
  }
}

const done = async (words: readonly string[], ending: Promise<Ended>): Promise<string> => {
  const { code, text } = await ending;
  if (code !== 0) throw new Error(`${words.slice(0, 2).join(' ')} ended with ${code}: ${text}`);
  return text;
};

/** A folder for a node that comes anew. */
export const newFolder = (parent: string, name: string): string => {
  mkdirSync(parent, { recursive: true });
  return join(parent, `${name}-${Date.now().toString(36)}`);
};
