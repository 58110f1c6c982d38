// The network between the nodes of a cluster, as a proxy on loopback: every connection to a peer
// port goes through it, its bytes untouched (TLS ends at the nodes). It can cut, stall, delay and
// reset connections, for each direction between two nodes on its own.
//
// Who dials does not show in the bytes. On Linux the kernel tells which process holds the other end
// of a connection; elsewhere there is no such proxy.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Whether this machine can tell who dials. */
export const canTellDiallers = process.platform === 'linux';

/** Bytes that wait for their time or for the end of a stall, per direction of a connection. */
const waitingBytesMax = 4 << 20;

/** What happens to bytes from one node to another. */
interface Rule {
  cut: boolean;
  stalled: boolean;
  /** Each piece waits up to this long; order within a connection is kept. */
  delayMsMax: number;
}

interface Piece {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/** One direction of one connection. */
class Pump {
  readonly #source: Socket;
  readonly #target: Socket;
  readonly #rule: Rule;
  readonly #pieces: Piece[] = [];
  #bytes = 0;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Socket, target: Socket, rule: Rule) {
    this.#source = source;
    this.#target = target;
    this.#rule = rule;
    source.on('data', (bytes: Buffer) => this.#take(bytes));
    source.on('close', () => {
      this.#ended = true;
      this.flush();
    });
    target.on('drain', () => this.flush());
  }

  /** Passes on what may be passed on now. The end of a stalled connection is stalled too. */
  flush(): void {
    clearTimeout(this.#timer);
    if (this.#rule.stalled) return;
    const now = performance.now();
    for (let piece = this.#pieces[0]; piece !== undefined; piece = this.#pieces[0]) {
      if (this.#target.writableNeedDrain) return;
      if (piece.dueMs > now) {
        this.#timer = setTimeout(() => this.flush(), piece.dueMs - now);
        return;
      }
      this.#pieces.shift();
      this.#bytes -= piece.bytes.length;
      this.#target.write(piece.bytes);
    }
    if (this.#ended) this.#target.destroySoon();
    else this.#source.resume();
  }

  #take(bytes: Buffer): void {
    const { delayMsMax } = this.#rule;
    const before = this.#pieces.at(-1)?.dueMs ?? 0;
    const dueMs = Math.max(before, performance.now() + Math.random() * delayMsMax);
    this.#pieces.push({ bytes, dueMs });
    this.#bytes += bytes.length;
    if (this.#bytes > waitingBytesMax) this.#source.pause();
    this.flush();
  }
}

interface Connection {
  readonly from: number;
  readonly to: number;
  readonly sockets: readonly [Socket, Socket];
  readonly pumps: readonly [Pump, Pump];
}

/** Bytes that arrived at the proxy. */
export interface Passage {
  readonly from: number;
  readonly to: number;
  /** Of the connection that carries them, counted from 1. */
  readonly connection: number;
  readonly bytes: number;
}

/** What the proxy did, for the record of a test. */
export interface ProxyCounts {
  connections: number;
  refused: number;
  reset: number;
}

/** See the head of this file. Nodes are numbered from 0. */
export class PeerProxy {
  readonly counts: ProxyCounts = { connections: 0, refused: 0, reset: 0 };
  /** Told of bytes when they arrive, with the connection that they are of. */
  onBytes: (passage: Passage) => void = () => undefined;
  readonly #pids: () => readonly number[];
  readonly #servers: Server[] = [];
  readonly #rules = new Map<string, Rule>();
  readonly #connections = new Set<Connection>();

  private constructor(pids: () => readonly number[]) {
    this.#pids = pids;
  }

  /**
   * Listens for every node on a port of its own.
   *
   * @param peerPorts where the nodes listen
   * @param pids the nodes' processes now
   */
  static async listen(
    peerPorts: readonly number[],
    pids: () => readonly number[],
  ): Promise<PeerProxy> {
    const proxy = new PeerProxy(pids);
    for (const [to, peerPort] of peerPorts.entries()) {
      const server = createServer((socket) => proxy.#accept(socket, to, peerPort));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      proxy.#servers.push(server);
    }
    return proxy;
  }

  /** Where others reach a node through the proxy. */
  portOf(at: number): number {
    const address = this.#servers[at]?.address();
    if (typeof address !== 'object' || address === null) throw new Error(`no proxy for node ${at}`);
    return address.port;
  }

  /** Directed pairs that are connected now, as `0>1`. */
  get connected(): ReadonlySet<string> {
    return new Set([...this.#connections].map(({ from, to }) => `${from}>${to}`));
  }

  /** Connections from one node to another end, and no new one is let through. */
  cut(from: number, to: number): void {
    this.#rule(from, to).cut = true;
    this.#reset((connection) => connection.from === from && connection.to === to);
  }

  /** Nothing that one node sends arrives at another, and neither hears that it is so. */
  stall(from: number, to: number): void {
    this.#rule(from, to).stalled = true;
  }

  /** What one node sends to another comes late: connections overtake each other. */
  delay(from: number, to: number, msMax: number): void {
    this.#rule(from, to).delayMsMax = msMax;
  }

  /** Ends some of the connections at once, in the middle of whatever they carry. */
  shake(chance: number): void {
    this.#reset(() => Math.random() < chance);
  }

  /** Everything gets through again; what was stalled arrives now. */
  heal(): void {
    for (const rule of this.#rules.values()) {
      Object.assign(rule, { cut: false, stalled: false, delayMsMax: 0 });
    }
    for (const { pumps } of this.#connections) for (const pump of pumps) pump.flush();
  }

  async close(): Promise<void> {
    this.#reset(() => true);
    await Promise.all(
      this.#servers.map((server) => new Promise((resolve) => server.close(resolve))),
    );
  }

  #rule(from: number, to: number): Rule {
    const key = `${from}>${to}`;
    const rule = this.#rules.get(key) ?? { cut: false, stalled: false, delayMsMax: 0 };
    this.#rules.set(key, rule);
    return rule;
  }

  #reset(matches: (connection: Connection) => boolean): void {
    for (const connection of [...this.#connections].filter(matches)) {
      this.counts.reset += 1;
      for (const socket of connection.sockets) socket.resetAndDestroy();
    }
  }

  #accept(dialled: Socket, to: number, peerPort: number): void {
    const from = this.#diallerOf(dialled);
    if (from === undefined || this.#rule(from, to).cut) {
      this.counts.refused += 1;
      dialled.resetAndDestroy();
      return;
    }
    this.counts.connections += 1;
    const target = connect({ host: '127.0.0.1', port: peerPort, noDelay: true });
    dialled.setNoDelay(true);
    for (const socket of [dialled, target]) socket.on('error', () => undefined);
    const connection: Connection = {
      from,
      to,
      sockets: [dialled, target],
      pumps: [
        new Pump(dialled, target, this.#rule(from, to)),
        new Pump(target, dialled, this.#rule(to, from)),
      ],
    };
    this.#connections.add(connection);
    const { connections: number } = this.counts;
    const tell = (one: number, other: number, bytes: Buffer): void =>
      this.onBytes({ from: one, to: other, connection: number, bytes: bytes.length });
    dialled.on('data', (bytes: Buffer) => tell(from, to, bytes));
    target.on('data', (bytes: Buffer) => tell(to, from, bytes));
    const forget = (): void => {
      if (dialled.destroyed && target.destroyed) this.#connections.delete(connection);
    };
    for (const socket of connection.sockets) socket.on('close', forget);
  }

  #diallerOf({ remotePort, localPort }: Socket): number | undefined {
    const inode = inodeOf(remotePort ?? 0, localPort ?? 0);
    if (inode === undefined) return undefined;
    const at = this.#pids().findIndex((pid) => holdsSocket(pid, inode));
    return at < 0 ? undefined : at;
  }
}

const hexPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');

/** The socket of this machine that is bound to `local` and connected to `remote`. */
const inodeOf = (local: number, remote: number): string | undefined =>
  readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(
      (fields) =>
        fields[1]?.endsWith(`:${hexPort(local)}`) === true &&
        fields[2]?.endsWith(`:${hexPort(remote)}`) === true,
    )?.[9];

const holdsSocket = (pid: number, inode: string): boolean => {
  // A process may end, and a descriptor be closed, while this looks.
  try {
    return readdirSync(`/proc/${pid}/fd`).some((name) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${name}`) === `socket:[${inode}]`;
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
};
