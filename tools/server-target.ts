// Which server a tool talks to, and as whom: a URL of anything that speaks rqlite's API, or the
// cluster.json that `stockade up` writes. Asks over one connection a request; not for measuring.
import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { dirname, resolve } from 'node:path';

/** A server and the credentials for it. */
export interface ServerTarget {
  readonly url: URL;
  /** PEM of the authority of an HTTPS server; undefined for the machine's own authorities. */
  readonly ca: string | undefined;
  /** Value of the Authorization header. */
  readonly authorization: string | undefined;
  /** Process ids of the servers, as far as they are known. */
  readonly pids: readonly number[];
}

/** A server's answer. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** What a person gave on the command line to name a server. */
export interface TargetWish {
  /** A URL, or the path of a cluster.json. */
  readonly place: string;
  readonly caFile?: string | undefined;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/** How long a single question may take. */
const answerTimeoutMs = 30_000;

const basic = (user: string, passwordFile: string): string => {
  const password = readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
};

/** Asks one question and waits for the whole answer. */
export const ask = (
  target: ServerTarget,
  method: 'GET' | 'POST',
  path: string,
  body?: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  new Promise((done, failed) => {
    const secure = target.url.protocol === 'https:';
    const request = (secure ? https : http).request(
      new URL(path, target.url),
      {
        method,
        timeout: answerTimeoutMs,
        agent: false,
        headers: {
          ...headers,
          ...(target.authorization === undefined ? {} : { authorization: target.authorization }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(target.ca === undefined ? {} : { ca: target.ca }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', failed);
        response.on('end', () =>
          done({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
        );
      },
    );
    request.on('timeout', () => request.destroy(new Error(`no answer from ${target.url.origin}`)));
    request.on('error', failed);
    request.end(body);
  });

/** `cluster.json`, as far as it is needed here. */
interface ClusterFile {
  readonly ca: string;
  readonly admin: { readonly user: string; readonly passwordFile: string };
  readonly nodes: readonly { readonly name: string; readonly url: string; readonly pid: number }[];
}

const leaderUrl = async (nodes: readonly ServerTarget[]): Promise<URL | undefined> => {
  for (const node of nodes) {
    const answer = await ask(node, 'GET', '/nodes').catch(() => undefined);
    if (answer?.status !== 200) continue;
    const members = JSON.parse(answer.body.toString('utf8')) as Record<
      string,
      { readonly leader?: boolean; readonly api_addr?: string }
    >;
    const address = Object.values(members).find((member) => member.leader === true)?.api_addr;
    if (address !== undefined) return new URL(address);
  }
  return undefined;
};

const fromCluster = async (path: string): Promise<ServerTarget> => {
  const cluster = JSON.parse(readFileSync(path, 'utf8')) as ClusterFile;
  const at = (file: string): string => resolve(dirname(path), file);
  const ca = readFileSync(at(cluster.ca), 'utf8');
  const authorization = basic(cluster.admin.user, at(cluster.admin.passwordFile));
  const pids = cluster.nodes.map((node) => node.pid);
  const nodes = cluster.nodes.map((node) => ({ url: new URL(node.url), ca, authorization, pids }));
  const leader = await leaderUrl(nodes);
  const chosen = nodes.find((node) => node.url.origin === leader?.origin) ?? nodes[0];
  if (chosen === undefined) throw new Error(`${path} names no node`);
  return chosen;
};

/**
 * The server that was asked for; of a cluster its leader, with the processes of all its nodes.
 *
 * @throws Error when a file cannot be read or the wish is half said
 */
export const targetFrom = async (wish: TargetWish): Promise<ServerTarget> => {
  if (!/^https?:\/\//.test(wish.place)) return await fromCluster(wish.place);
  if ((wish.user === undefined) !== (wish.passwordFile === undefined)) {
    throw new Error('a user and a password file go together');
  }
  return {
    url: new URL(wish.place),
    ca: wish.caFile === undefined ? undefined : readFileSync(wish.caFile, 'utf8'),
    authorization:
      wish.user === undefined || wish.passwordFile === undefined
        ? undefined
        : basic(wish.user, wish.passwordFile),
    pids: [],
  };
};
