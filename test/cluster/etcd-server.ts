// A real etcd on loopback (Debian: etcd-server): TLS with a certificate of ours, plain HTTP between
// its members of which there is one.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueHttps } from '#certs-tool/issue.ts';
import { clusterIdFromBytes } from '#identity/cluster-id.ts';
import { eventually } from '#test/e2e/cluster.ts';

const program = '/usr/bin/etcd';

/** Whether this machine has one. */
export const hasEtcd = (): boolean => existsSync(program);

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });

/** See the head of this file. */
export class EtcdServer {
  readonly endpoint: string;
  /** Path of the authority's certificate. */
  readonly caFile: string;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(folder: string, endpoint: string, caFile: string, child: ChildProcess) {
    this.#folder = folder;
    this.endpoint = endpoint;
    this.caFile = caFile;
    this.#child = child;
  }

  static async start(): Promise<EtcdServer> {
    const folder = mkdtempSync(join(tmpdir(), 'stockade-etcd-'));
    const cluster = clusterIdFromBytes(Buffer.alloc(16, 7));
    const authority = createAuthority({ kind: 'client', cluster });
    const pair = issueHttps({ authority, cluster, hosts: ['127.0.0.1'] });
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const ca = file('ca.crt', authority.certificate);
    const [certificate, key] = [file('etcd.crt', pair.certificate), file('etcd.key', pair.key)];
    const url = `https://127.0.0.1:${await freePort()}`;
    const peers = `http://127.0.0.1:${await freePort()}`;
    const words = [
      ...['--data-dir', join(folder, 'data'), '--log-level', 'error'],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers],
      ...['--initial-cluster', `default=${peers}`, '--cert-file', certificate, '--key-file', key],
    ];
    const child = spawn(program, words, { stdio: 'ignore', env: { PATH: '/usr/bin:/bin' } });
    const etcd = new EtcdServer(folder, url, ca, child);
    await eventually('etcd answers', () => etcd.#answers());
    return etcd;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill();
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #answers(): Promise<boolean> {
    const ca = readFileSync(this.caFile);
    return new Promise((resolve) => {
      const asked = request(`${this.endpoint}/health`, { ca, timeout: 2000 }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      asked.on('timeout', () => asked.destroy());
      asked.on('error', () => resolve(false));
      asked.end();
    });
  }
}
