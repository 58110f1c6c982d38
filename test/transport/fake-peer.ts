// A peer that does what it is told instead of what the protocol says: real TLS, hand-made frames.
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { nodeNameFrom } from '#identity/node-name.ts';
import { type PeerMaterial, peerDialOptions } from '#tls/tls-options.ts';
import { frameKind } from '#transport/frame-kind.ts';
import { FrameLink, frameOf } from '#transport/frame-link.ts';
import { decodeRefusal, encodeHello, type Hello } from '#transport/hello-codec.ts';
import { cluster, materialOf, storeIdOf, type TestNode, until } from './nodes.ts';

export interface ReceivedFrame {
  readonly kind: number;
  readonly payload: Buffer;
}

export interface FakePeer {
  readonly socket: TLSSocket;
  readonly frames: ReceivedFrame[];
  closed: boolean;
  /** Sends raw bytes. */
  write(bytes: Buffer): void;
  sendFrame(kind: number, payload: Uint8Array): void;
  sendHello(changes?: Partial<Hello>): void;
  /** Waits for a frame of this kind. */
  frame(kind: number): Promise<ReceivedFrame>;
  /** Waits for the close and returns the reason that was told, if one was. */
  reason(): Promise<string | undefined>;
}

export const helloOf = (name: string, changes: Partial<Hello> = {}): Hello => ({
  version: 1,
  cluster,
  name: nodeNameFrom(name),
  storeId: storeIdOf(name),
  boot: 'ab'.repeat(16),
  connection: 'bulk',
  featureLevel: 1,
  engine: 'test',
  address: '',
  ...changes,
});

export const fakePeerOn = (socket: TLSSocket, name: string): FakePeer => {
  const frames: ReceivedFrame[] = [];
  new FrameLink(socket, {
    frameBytesMax: 64 * 1024 * 1024,
    onFrame: (kind, payload) => frames.push({ kind, payload }) > 0,
    onChunkEnd: () => undefined,
    onBroken: (why) => frames.push({ kind: 255, payload: Buffer.from(why) }),
    monotonicMs: () => 0,
  });
  const peer: FakePeer = {
    socket,
    frames,
    closed: false,
    write: (bytes) => void socket.write(bytes),
    sendFrame: (kind, payload) => void socket.write(frameOf(kind, payload)),
    sendHello: (changes) => peer.sendFrame(frameKind.hello, encodeHello(helloOf(name, changes))),
    frame: async (kind) => {
      const found = () => frames.find((frame) => frame.kind === kind);
      await until(`frame kind ${kind}`, () => found() !== undefined);
      return found() ?? { kind, payload: Buffer.alloc(0) };
    },
    reason: async () => {
      await until('the close', () => peer.closed);
      const refusal = frames.find((frame) => frame.kind === frameKind.refusal);
      const decoded = refusal && decodeRefusal(refusal.payload);
      return decoded?.kind === 'ok' ? decoded.value : undefined;
    },
  };
  // In TLS 1.3 a client learns after its own end of the handshake that it is refused. Node then
  // tells the alert and leaves the socket open, and what is written after it keeps it so for ever:
  // no 'close' comes. Whoever dials must destroy it, as PeerConnection does.
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    peer.closed = true;
  });
  return peer;
};

/** A TLS connection to a node's peer port as `name`; resolves when it is open or was closed. */
export const dialAs = async (
  name: string,
  node: TestNode,
  changes: ConnectionOptions = {},
  material: PeerMaterial = materialOf(name),
): Promise<FakePeer> => {
  const socket = connect({
    ...peerDialOptions(material),
    host: '127.0.0.1',
    port: node.transport.port,
    ...changes,
  });
  const peer = fakePeerOn(socket, name);
  let open = false;
  socket.once('secureConnect', () => {
    open = true;
  });
  await until('a handshake or its refusal', () => open || peer.closed);
  return peer;
};

/** The same, greeted and ready. */
export const linkedAs = async (
  name: string,
  node: TestNode,
  changes: Partial<Hello> = {},
): Promise<FakePeer> => {
  const peer = await dialAs(name, node);
  peer.sendHello(changes);
  await peer.frame(frameKind.hello);
  return peer;
};
