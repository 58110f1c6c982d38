// A cluster that is formed as an operator forms one: `init --admit` in one folder, `join` in
// others, each a process of its own on ports of its own. Node i (from 0) has its folder `n<i+1>`,
// HTTPS on base + 10 i, peers on the next port, newcomers on the one behind.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePortBase } from './cluster.ts';
import { Running } from './running.ts';

/** An HTTP answer. */
interface FormedAnswer {
  readonly status: number;
  readonly text: string;
}

/** `/status`, as far as tests need it. */
export interface FormedStatus {
  readonly store: {
    readonly leader: { readonly node_id: string };
    readonly nodes: readonly { readonly id: string; readonly suffrage: string }[];
    readonly raft: { readonly term: number; readonly commit_index: number };
  };
  readonly processes: { readonly node: number };
}

/** See the head of this file. */
export class FormedCluster {
  readonly folder: string;
  readonly portBase: number;
  readonly #running: Running[] = [];

  private constructor(folder: string, portBase: number) {
    this.folder = folder;
    this.portBase = portBase;
  }

  /** A folder and ports; nothing runs yet. */
  static async prepare(): Promise<FormedCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'stockade-join-'));
    return new FormedCluster(folder, await freePortBase(6));
  }

  /** The first node with a signer for `names`, which serves; its join lines in order. */
  async init(names: readonly string[], more: readonly string[] = []): Promise<readonly string[]> {
    const words = ['init', '--name', 'n1', '--advertise', '127.0.0.1'];
    const run = this.start([...words, '--admit', names.join(','), ...more, ...this.options(0)]);
    return tokensOf(run, names.length);
  }

  /** The options of node `at`: folder and ports. */
  options(at: number, data = this.data(at)): readonly string[] {
    const port = this.portBase + 10 * at;
    return [...['--data', data], ...['--http-port', String(port), '--peer-port', String(port + 1)]];
  }

  /** The folder of node `at`. */
  data(at: number): string {
    return join(this.folder, `n${at + 1}`);
  }

  /** Starts a command that goes on running, to be stopped with the cluster. */
  start(words: readonly string[], input?: string): Running {
    const run = new Running(words, input === undefined ? {} : { input });
    this.#running.push(run);
    return run;
  }

  /** Joins as node `at` with a token on standard input. */
  join(at: number, token: string, more: readonly string[] = [], data?: string): Running {
    return this.start(['join', '-', ...more, ...this.options(at, data)], `${token}\n`);
  }

  /** Opens grants on node `from`; the command and its tokens. */
  async admit(
    from: number,
    names: readonly string[],
    more: readonly string[] = [],
    input?: string,
  ): Promise<{ readonly run: Running; readonly tokens: readonly string[] }> {
    const authority = join(this.data(0), 'authority');
    const where = ['--data', this.data(from), '--authority', authority];
    const run = this.start(['admit', ...names, ...where, ...more], input);
    return { run, tokens: await tokensOf(run, names.length) };
  }

  /** One request to node `at` as the administrator. */
  ask(at: number, path: string, body?: string): Promise<FormedAnswer> {
    const password = readFileSync(join(this.data(0), 'admin.password'), 'utf8').trim();
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          host: '127.0.0.1',
          port: this.portBase + 10 * at,
          path,
          method: body === undefined ? 'GET' : 'POST',
          // Each node's certificate leads to the same CA, whichever machine the copy is from.
          ca: readFileSync(join(this.data(0), 'certs', 'client-ca.crt')),
          auth: `admin:${password}`,
          headers: body === undefined ? {} : { 'content-type': 'application/json' },
          agent: false,
          timeout: 20_000,
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
          response.on('error', reject);
        },
      );
      asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
      asked.on('error', reject);
      asked.end(body);
    });
  }

  /** Executes statements; the answer's text. */
  async execute(at: number, ...statements: readonly string[]): Promise<string> {
    return (await this.ask(at, '/db/execute', JSON.stringify(statements))).text;
  }

  /** One query's answer as text. */
  async query(at: number, sql: string, level = 'linearizable'): Promise<string> {
    const path = `/db/query?level=${level}&q=${encodeURIComponent(sql)}`;
    return (await this.ask(at, path)).text;
  }

  async status(at: number): Promise<FormedStatus> {
    return JSON.parse((await this.ask(at, '/status')).text) as FormedStatus;
  }

  /** Stops everything; the folders stay. */
  async stopAll(): Promise<void> {
    await Promise.all(this.#running.map((run) => run.stop()));
  }

  /** Stops everything and removes the folder. */
  async remove(): Promise<void> {
    await this.stopAll();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits for the join lines of a command and gives their tokens. */
const tokensOf = async (run: Running, count: number): Promise<readonly string[]> => {
  await run.says(/waiting for /);
  const lines = run.stdout.match(/^stockade join STK1-[^\n]+$/gm) ?? [];
  if (lines.length !== count) throw new Error(`${lines.length} join lines:\n${run.stdout}`);
  return lines.map((line) => line.slice('stockade join '.length));
};
