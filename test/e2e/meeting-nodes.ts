// Nodes with certificates and empty disks that are to form a cluster by meeting: folders as
// `stockade up` makes them, without its creator. Node i (from 0) has HTTPS on base + 10 i, peers on
// the next port.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareFolder } from '#cli/up/prepare.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { freePortBase } from './cluster.ts';
import { Running } from './running.ts';

/** See the head of this file. */
export class MeetingNodes {
  readonly folder: string;
  readonly portBase: number;
  readonly #running: Running[] = [];

  private constructor(folder: string, portBase: number) {
    this.folder = folder;
    this.portBase = portBase;
  }

  /** Folders of `count` nodes with certificates of one authority. */
  static async prepare(count: number): Promise<MeetingNodes> {
    const folder = join(mkdtempSync(join(tmpdir(), 'stockade-meet-')), 'nodes');
    const portBase = await freePortBase(count);
    prepareFolder({
      ...{ root: folder, count, portBase, files: systemFiles, random: cryptoRandom },
      progress: () => undefined,
    });
    const nodes = new MeetingNodes(folder, portBase);
    rmSync(join(nodes.data(0), 'bootstrap.json'));
    return nodes;
  }

  /** The folder of node `at`. */
  folderOf(at: number): string {
    return join(this.folder, `n${at + 1}`);
  }

  data(at: number): string {
    return join(this.folderOf(at), 'data');
  }

  peer(at: number): string {
    return `127.0.0.1:${this.portBase + 10 * at + 1}`;
  }

  /** Node `at` loses its disk and gets an empty one. */
  emptyDisk(at: number): void {
    const path = join(this.data(at), 'identity.json');
    const identity = JSON.parse(readFileSync(path, 'utf8')) as object;
    rmSync(this.data(at), { recursive: true });
    mkdirSync(this.data(at), { mode: 0o700 });
    const store = randomBytes(16).toString('hex');
    const text = JSON.stringify({ ...identity, hasLog: false, store });
    writeFileSync(path, text, { mode: 0o600 });
  }

  /** Where the nodes `all` are. */
  join(all: readonly number[]): readonly string[] {
    return ['--cluster.join', all.map((at) => this.peer(at)).join(',')];
  }

  /** Runs node `at` as one of `expect`. */
  run(at: number, expect: number, more: readonly string[]): Running {
    const config = join(this.folderOf(at), 'node.yaml');
    return this.runConfig(config, ['--cluster.bootstrapExpect', String(expect), ...more]);
  }

  /** Runs a configuration, to be stopped with the others. */
  runConfig(config: string, more: readonly string[]): Running {
    const run = new Running(['run', '--config', config, ...more]);
    this.#running.push(run);
    return run;
  }

  /** One request to node `at`, or to another port, as the administrator. */
  ask(at: number, path: string, body?: string, port = this.portBase + 10 * at): Promise<string> {
    const password = readFileSync(join(this.folder, 'admin.password'), 'utf8').trim();
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          ...{ host: '127.0.0.1', port, path, agent: false, timeout: 20_000 },
          ca: readFileSync(join(this.folderOf(0), 'certs', 'client-ca.crt')),
          auth: `admin:${password}`,
          method: body === undefined ? 'GET' : 'POST',
          headers: body === undefined ? {} : { 'content-type': 'application/json' },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => resolve(text));
          response.on('error', reject);
        },
      );
      asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
      asked.on('error', reject);
      asked.end(body);
    });
  }

  /** Ends all that runs. */
  async stop(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((run) => run.stop()));
  }

  /** Ends all and removes the folders. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(join(this.folder, '..'), { recursive: true, force: true });
  }
}
