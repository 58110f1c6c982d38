// A stand-in for Consul's keys and sessions, after its documented HTTP API: it refuses what Consul
// would refuse, and keeps what it was asked.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Kept {
  readonly value: string;
  session: string;
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
};

/** See the head of this file. */
export class ConsulServer {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #sessions = new Map<string, { readonly ttl: string; readonly behavior: string }>();
  readonly keys = new Map<string, Kept>();
  readonly token: string;
  /** What was refused, as Consul would. */
  readonly refused: string[] = [];
  /** How many requests are answered with 500 before it works. */
  failures = 0;

  private constructor(token: string) {
    this.token = token;
  }

  static async start(token: string): Promise<ConsulServer> {
    const consul = new ConsulServer(token);
    consul.#server.listen(0, '127.0.0.1');
    await once(consul.#server, 'listening');
    return consul;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** As when a node was not heard for the time of its session. */
  expireSessions(): void {
    for (const id of [...this.#sessions.keys()]) this.#end(id);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #end(id: string): void {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    if (session?.behavior !== 'delete') return;
    for (const [key, kept] of this.keys) if (kept.session === id) this.keys.delete(key);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request);
    const url = new URL(request.url ?? '/', 'http://consul');
    const refuse = (status: number, why: string): void => {
      this.refused.push(why);
      response.writeHead(status).end(why);
    };
    if (this.failures > 0) {
      this.failures -= 1;
      response.writeHead(500).end('no leader');
    } else if (request.headers['x-consul-token'] !== this.token) {
      refuse(403, 'Permission denied: token');
    } else if (url.searchParams.get('dc') !== 'dc1') refuse(500, 'No path to datacenter');
    else this.#route(request.method ?? '', url, body, response, refuse);
  }

  #route(
    method: string,
    url: URL,
    body: string,
    response: ServerResponse,
    refuse: (status: number, why: string) => void,
  ): void {
    const [, version, area, ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const route = `${method} ${version} ${area}`;
    if (route === 'PUT v1 session') this.#session(rest, body, response, refuse);
    else if (route === 'PUT v1 kv') this.#put(rest.join('/'), url, body, response, refuse);
    else if (route === 'GET v1 kv') this.#get(rest.join('/'), url, response);
    else refuse(405, `no ${route}`);
  }

  #session(
    [verb = '', id = '']: readonly string[],
    body: string,
    response: ServerResponse,
    refuse: (status: number, why: string) => void,
  ): void {
    if (verb === 'create') {
      const { TTL, Behavior } = JSON.parse(body) as { TTL?: string; Behavior?: string };
      const seconds = Number(/^(\d+)s$/.exec(TTL ?? '')?.[1]);
      if (!(seconds >= 10 && seconds <= 86_400)) refuse(400, `Invalid Session TTL ${TTL}`);
      else if (Behavior !== 'delete' && Behavior !== 'release') refuse(400, 'Invalid Behavior');
      else {
        const created = `00000000-0000-0000-0000-${String(this.#sessions.size + this.keys.size).padStart(12, '0')}`;
        this.#sessions.set(created, { ttl: TTL ?? '', behavior: Behavior });
        response.end(JSON.stringify({ ID: created }));
      }
    } else if (verb === 'renew') {
      if (this.#sessions.has(id)) response.end(JSON.stringify([{ ID: id }]));
      else response.writeHead(404).end(`Session id '${id}' not found`);
    } else if (verb === 'destroy') {
      this.#end(id);
      response.end('true');
    } else refuse(404, `no session ${verb}`);
  }

  #put(
    key: string,
    url: URL,
    body: string,
    response: ServerResponse,
    refuse: (status: number, why: string) => void,
  ): void {
    const session = url.searchParams.get('acquire');
    const present = this.keys.get(key);
    if (session !== null && !this.#sessions.has(session)) refuse(500, 'invalid session');
    else if (session === null && url.searchParams.get('cas') !== '0') refuse(400, 'blind write');
    else {
      const free = session === null ? present === undefined : (present?.session ?? '') === '';
      if (free) this.keys.set(key, { value: body, session: session ?? '' });
      response.end(String(free));
    }
  }

  #get(key: string, url: URL, response: ServerResponse): void {
    const wanted = url.searchParams.has('recurse')
      ? [...this.keys].filter(([name]) => name.startsWith(key))
      : [...this.keys].filter(([name]) => name === key);
    if (wanted.length === 0) response.writeHead(404).end();
    else {
      const rows = wanted.map(([Key, { value }]) => ({
        ...{ Key, Value: Buffer.from(value).toString('base64') },
      }));
      response.end(JSON.stringify(rows));
    }
  }
}
