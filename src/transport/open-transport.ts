// Joins listener, diallers and connections to one transport. Two connections are dialled to every
// peer that configuration names, one for heartbeats and one for the rest; the peer does the same,
// so each direction has its own and nobody needs to agree which of two crossing ones stays.
import { randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { isNodeName, type NodeName } from '#identity/node-name.ts';
import { invariant } from '#invariant.ts';
import type { Message } from '#raft/message.ts';
import type { CertificateMarks } from '#tls/deny-list.ts';
import {
  addressBytesMax,
  callDeadlineIntervalMs,
  engineBytesMax,
  reasonsToldMax,
  upkeepIntervalMs,
} from './bounds.ts';
import { Dialler } from './dialler.ts';
import { connectionOf } from './frame-kind.ts';
import { ImageReceiving } from './image-receiving.ts';
import { ImageSending } from './image-sending.ts';
import type { CallDone } from './outstanding-calls.ts';
import { type ConnectionOwner, PeerConnection } from './peer-connection.ts';
import { PeerLinks } from './peer-links.ts';
import { openPeerListener, type PeerListener } from './peer-listener.ts';
import type { OutgoingImage, Transport, TransportOptions } from './transport.ts';

/**
 * Opens the peer port and returns the transport; nobody is dialled before `setPeers`.
 *
 * @throws CodedError `address_in_use`, `config_invalid`
 */
export const openTransport = async (options: TransportOptions): Promise<Transport> => {
  const { engine, advertise } = options;
  const plain = /^[\x20-\x7e]*$/.test(engine + advertise);
  const short = engine.length <= engineBytesMax && advertise.length <= addressBytesMax;
  invariant(plain && short, 'what a hello says of engine and address is short printable ASCII');
  const transport = new OpenTransport(options);
  await transport.listen();
  return transport;
};

const connected = 'connected';

const hangUp = (socket: TLSSocket): void => {
  socket.on('error', () => undefined);
  socket.destroy();
};

/**
 * Runs `look` again and again, each time after what waits in the sockets was read: a process that
 * was stopped for a while must not take for silence what it has only not read yet.
 */
const afterReading = (everyMs: number, look: () => void): NodeJS.Timeout =>
  setInterval(() => setImmediate(look), everyMs);

interface DialledPeer {
  readonly address: string;
  readonly diallers: readonly Dialler[];
}

class OpenTransport implements Transport {
  readonly #options: TransportOptions;
  readonly #owner: ConnectionOwner;
  /** Every connection behind its handshake, ready or not. */
  readonly #connections = new Set<PeerConnection>();
  readonly #links = new Map<NodeName, PeerLinks>();
  readonly #dialled = new Map<NodeName, DialledPeer>();
  /** What `onLink` last said about a peer, and for which reasons while it was down. */
  readonly #told = new Map<NodeName, { readonly up: boolean; readonly reasons: Set<string> }>();
  readonly #upkeep: NodeJS.Timeout;
  /** Images on their way out, by what dials for each. */
  readonly #outgoing = new Set<Dialler>();
  /** Connections on which a peer offers or sends an image. */
  readonly #incoming = new Map<NodeName, PeerConnection>();
  /** Runs only while calls wait. */
  #callDeadlines: NodeJS.Timeout | undefined;
  #listener: PeerListener | undefined;
  #closed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#owner = {
      options,
      boot: randomBytes(16).toString('hex'),
      onOpened: (connection) => this.#connections.add(connection),
      onReady: (connection) => this.#onReady(connection),
      onClosed: (connection, reason) => this.#onClosed(connection, reason),
    };
    this.#upkeep = afterReading(upkeepIntervalMs, () => {
      const nowMs = options.monotonicMs();
      for (const connection of this.#connections) connection.upkeep(nowMs);
    });
  }

  get port(): number {
    invariant(this.#listener !== undefined, 'a transport is handed out when it listens');
    return this.#listener.port;
  }

  async listen(): Promise<void> {
    const { listenHost, listenPort, cluster, material, onRefused, monotonicMs } = this.#options;
    try {
      this.#listener = await openPeerListener({
        host: listenHost,
        port: listenPort,
        cluster,
        material,
        onRefused,
        monotonicMs,
        onProved: (socket, proved, identified) => {
          const onReady = (connection: PeerConnection): void => {
            identified();
            this.#onReady(connection);
          };
          const owner = { ...this.#owner, onReady };
          const connection = new PeerConnection(socket, proved, undefined, owner);
          const denial = this.#options.denied(proved);
          if (denial !== undefined) connection.refuse(denial);
        },
        onMeeting: (socket, proved) => {
          const { denied, onMeeting } = this.#options;
          if (denied(proved) === undefined && onMeeting !== undefined) onMeeting(socket, proved);
          else hangUp(socket);
        },
      });
    } catch (error) {
      clearInterval(this.#upkeep);
      throw error;
    }
  }

  setPeers(peers: ReadonlyMap<NodeName, string>): void {
    if (this.#closed) return;
    for (const [name, { address, diallers }] of this.#dialled) {
      if (peers.get(name) === address) continue;
      this.#dialled.delete(name);
      for (const dialler of diallers) dialler.stop('it is no longer dialled at this address');
    }
    for (const [name, address] of peers) {
      if (name === this.#options.self || this.#dialled.has(name)) continue;
      const diallers = (['heartbeat', 'bulk'] as const).map((kind) => {
        const onFailed = (reason: string): void => this.#tell(name, reason);
        return new Dialler({ name, kind, address, owner: this.#owner, onFailed });
      });
      this.#dialled.set(name, { address, diallers });
    }
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#linksOf(message.to)?.pick(connectionOf[message.kind])?.send(message);
    }
  }

  call(
    to: NodeName,
    method: number,
    payload: Uint8Array,
    deadlineMs: number,
    done: CallDone,
  ): void {
    const connection = this.#links.get(to)?.pick('bulk');
    const deadline = this.#options.monotonicMs() + deadlineMs;
    const refusal =
      connection === undefined
        ? 'the peer is not connected'
        : connection.call(method, payload, deadline, done);
    if (refusal !== undefined) {
      setImmediate(() => done({ kind: 'failed', reason: refusal, sent: false }));
      return;
    }
    this.#callDeadlines ??= afterReading(callDeadlineIntervalMs, () => this.#expireCalls());
  }

  sendImage(to: NodeName, image: OutgoingImage): () => void {
    const address = this.#dialled.get(to)?.address;
    const sending = new ImageSending(image, this.#options.monotonicMs());
    if (address === undefined || this.#closed) {
      setImmediate(() => sending.fail('there is no address to dial'));
      return () => undefined;
    }
    const onReady = (connection: PeerConnection): void => sending.start(connection);
    const end = (reason: string): void => {
      this.#outgoing.delete(dialler);
      sending.fail(reason);
    };
    const dialler = new Dialler({
      name: to,
      kind: 'image',
      address,
      owner: { ...this.#owner, onReady },
      once: true,
      onFailed: (reason) => setImmediate(() => end(reason)),
    });
    this.#outgoing.add(dialler);
    return () => {
      dialler.stop('the image was given up');
      end('the image was given up');
    };
  }

  isUp(name: NodeName): boolean {
    return this.#links.get(name)?.up ?? false;
  }

  shownBy(name: NodeName): readonly CertificateMarks[] {
    return this.#links.get(name)?.shown ?? [];
  }

  silentMs(name: NodeName): number {
    const links = this.#links.get(name);
    if (links === undefined) return Number.POSITIVE_INFINITY;
    return this.#options.monotonicMs() - links.receivedMs;
  }

  sweep(): void {
    for (const connection of [...this.#connections]) connection.sweep();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#upkeep);
    for (const { diallers } of this.#dialled.values()) {
      for (const dialler of diallers) dialler.stop('this node is stopping');
    }
    for (const dialler of this.#outgoing) dialler.stop('this node is stopping');
    for (const connection of [...this.#connections]) connection.close('this node is stopping');
    clearInterval(this.#callDeadlines);
    await this.#listener?.close();
  }

  /** The core knows names only as its own brand; the map is asked with the same text. */
  #linksOf(node: Message['to']): PeerLinks | undefined {
    const name = String(node);
    return isNodeName(name) ? this.#links.get(name) : undefined;
  }

  #expireCalls(): void {
    const nowMs = this.#options.monotonicMs();
    let waiting = 0;
    for (const connection of [...this.#connections]) {
      connection.expireCalls(nowMs);
      waiting += connection.calls.size;
    }
    if (waiting > 0) return;
    clearInterval(this.#callDeadlines);
    this.#callDeadlines = undefined;
  }

  #onReady(connection: PeerConnection): void {
    if (this.#closed) {
      connection.close('this node is stopping');
      return;
    }
    const { name } = connection.proved;
    if (connection.kind === 'image') {
      this.#takeImage(connection, name);
      return;
    }
    let links = this.#links.get(name);
    if (links === undefined) {
      links = new PeerLinks();
      this.#links.set(name, links);
    }
    links.add(connection);
    this.#tell(name, connected);
  }

  #takeImage(connection: PeerConnection, name: NodeName): void {
    if (this.#incoming.has(name)) {
      connection.decline('another image of this node is under way');
      return;
    }
    this.#incoming.set(name, connection);
    new ImageReceiving(connection, this.#options);
  }

  #onClosed(connection: PeerConnection, reason: string): void {
    this.#connections.delete(connection);
    const { name } = connection.proved;
    if (this.#incoming.get(name) === connection) this.#incoming.delete(name);
    const links = this.#links.get(name);
    // One that never was ready, or whose place a newer one has taken.
    if (links === undefined || !links.remove(connection)) return;
    this.#tell(name, reason);
    if (links.empty && !this.#dialled.has(name)) {
      this.#links.delete(name);
      this.#told.delete(name);
    }
  }

  /** Says whether a peer is up if that changed, and each new reason why it still is not. */
  #tell(name: NodeName, reason: string): void {
    const up = this.isUp(name);
    const told = this.#told.get(name);
    // The first half of the connections is not worth a word.
    if (!up && reason === connected) return;
    if (told?.up !== up) {
      this.#told.set(name, { up, reasons: new Set([reason]) });
    } else {
      if (up || told.reasons.has(reason) || told.reasons.size >= reasonsToldMax) return;
      told.reasons.add(reason);
    }
    this.#options.onLink(name, up, reason);
  }
}
