// One connection to a proved node, from the end of its handshake to its close: greeting, then Raft
// messages and calls. Which connection is used for what, and when a new one is dialled, is decided
// outside. Nothing the other side sends may throw here: it closes the connection.
import type { TLSSocket } from 'node:tls';
import { invariant } from '#invariant.ts';
import { frameBytesMax, helloBytesMax } from '#limits.ts';
import type { Message } from '#raft/message.ts';
import type { ProvedNode } from '#tls/peer-identity.ts';
import { isStillTrusted } from '#tls/still-trusted.ts';
import {
  aliveAfterMs,
  bulkUnsentBytesMax,
  closeGraceMs,
  expiryGraceMs,
  frameTimeoutMs,
  heartbeatFrameBytesMax,
  heartbeatUnsentBytesMax,
  helloTimeoutMs,
  imageFrameBytesMax,
  outstandingCallsMax,
  silenceMaxMs,
} from './bounds.ts';
import { decodeCall, decodeReply, encodeCall, encodeReply } from './call-codec.ts';
import { type ConnectionKind, connectionOf, frameKind, messageFrameKind } from './frame-kind.ts';
import { FrameLink } from './frame-link.ts';
import { greetedBy } from './greeting.ts';
import {
  decodeHello,
  decodeRefusal,
  encodeHello,
  encodeRefusal,
  protocolVersion,
} from './hello-codec.ts';
import type { ImageFrames } from './image-frames.ts';
import { decodeMessage, encodeMessage } from './message-codec.ts';
import { type CallDone, OutstandingCalls } from './outstanding-calls.ts';
import type { PeerIdentity, TransportOptions } from './transport.ts';

/** What a connection tells its owner. */
export interface ConnectionOwner {
  readonly options: TransportOptions;
  /** This run of the node, 16 random bytes in hexadecimal. */
  readonly boot: string;
  /** The handshake is over, the greeting begins. */
  readonly onOpened: (connection: PeerConnection) => void;
  /** The peer is known and admitted: the connection may be used. */
  readonly onReady: (connection: PeerConnection, peer: PeerIdentity) => void;
  /** Once, whether it was ready or not. */
  readonly onClosed: (connection: PeerConnection, reason: string) => void;
}

/** How much of a frame is its kind. */
const kindBytes = 1;
const empty = Buffer.alloc(0);

const frameBytesMaxOf: Readonly<Record<ConnectionKind, number>> = {
  heartbeat: heartbeatFrameBytesMax,
  bulk: frameBytesMax,
  image: imageFrameBytesMax,
};

/** See the head of this file. */
export class PeerConnection {
  readonly proved: ProvedNode;
  readonly dialledFor: ConnectionKind | undefined;
  readonly remoteAddress: string;
  readonly calls = new OutstandingCalls();
  readonly #socket: TLSSocket;
  readonly #owner: ConnectionOwner;
  readonly #link: FrameLink;
  readonly #openedMs: number;
  #peer: PeerIdentity | undefined;
  #kind: ConnectionKind | undefined;
  #boot = '';
  #closed = false;
  #arrived: Message[] = [];
  /** The authorities by which the peer was last found trusted. */
  #trustedBy = '';
  /** On the connection of an image: what its frames go to. */
  #image: ImageFrames | undefined;
  #repliesOwed = 0;
  #swept = false;

  constructor(
    socket: TLSSocket,
    proved: ProvedNode,
    dialledFor: ConnectionKind | undefined,
    owner: ConnectionOwner,
  ) {
    this.proved = proved;
    this.dialledFor = dialledFor;
    this.#kind = dialledFor;
    this.#socket = socket;
    this.#owner = owner;
    this.remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    this.#openedMs = owner.options.monotonicMs();
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    this.#link = new FrameLink(socket, {
      frameBytesMax: helloBytesMax,
      onFrame: (kind, payload) => this.#onFrame(kind, payload),
      onChunkEnd: () => this.#deliver(),
      onBroken: (why) => this.#violation(why),
      monotonicMs: owner.options.monotonicMs,
    });
    socket.on('error', (error) => this.close(error.message));
    socket.on('end', () => this.close('the peer closed the connection'));
    socket.on('close', () => this.close('the connection was closed'));
    owner.onOpened(this);
    if (dialledFor !== undefined) this.#sendHello(dialledFor);
  }

  /** What the connection is for; only known when it is ready. */
  get kind(): ConnectionKind {
    invariant(this.#kind !== undefined, 'a connection is asked for its kind when it is ready');
    return this.#kind;
  }

  /** Which run of the peer this is a connection to; empty before it is ready. */
  get boot(): string {
    return this.#boot;
  }

  /** Whether a sweep of this node ended it. */
  get wasSwept(): boolean {
    return this.#swept;
  }

  /** When a byte last arrived. */
  get receivedMs(): number {
    return this.#link.receivedMs;
  }

  /** Queues a message, or drops it when too much waits already. */
  send(message: Message): void {
    const bound = this.kind === 'bulk' ? bulkUnsentBytesMax : heartbeatUnsentBytesMax;
    if (this.#closed || this.#link.unsentBytes > bound) return;
    const payload = encodeMessage(message);
    invariant(payload.length + kindBytes <= this.#cap(), 'a Raft message fits into a frame');
    this.#link.send(messageFrameKind[message.kind], payload);
  }

  /** Asks the other node; returns why that cannot be, else `done` is called later. */
  call(
    method: number,
    payload: Uint8Array,
    deadlineMs: number,
    done: CallDone,
  ): string | undefined {
    if (this.calls.full) return 'too many calls are open';
    if (this.#link.unsentBytes > bulkUnsentBytesMax) return 'too much waits to be sent';
    // The envelope of a call takes a few dozen bytes; a kibibyte is more than that.
    if (payload.length > frameBytesMax - 1024) return 'the call is larger than a frame';
    const id = this.calls.add(done, deadlineMs, this.#link.flushes);
    this.#link.send(frameKind.call, encodeCall(id, method, payload));
    return undefined;
  }

  /** On a connection for an image: its frames go there from now on. */
  carryImage(image: ImageFrames): void {
    invariant(this.kind === 'image' && this.#image === undefined, 'a connection carries one image');
    this.#image = image;
  }

  /** Queues a frame about an image; whoever sends them keeps to the receiver's window. */
  sendImageFrame(kind: number, payload: Uint8Array): void {
    invariant(payload.length + kindBytes <= this.#cap(), 'a frame of an image fits');
    this.#link.send(kind, payload);
  }

  /** Runs the admission again and looks at the certificate: its end, and whether it is trusted. */
  sweep(): void {
    const peer = this.#peer;
    if (peer === undefined) return;
    const { admit, wallMs } = this.#owner.options;
    const admission = admit(peer);
    if (admission.kind === 'refused') this.#sweepOut(admission.reason);
    else if (wallMs() > peer.notAfterMs + expiryGraceMs) this.#sweepOut('certificate_expired');
    else if (!this.#isTrusted()) {
      this.#sweepOut('the authority of this certificate is trusted no more');
    }
  }

  #sweepOut(reason: string): void {
    this.#swept = true;
    this.refuse(reason);
  }

  /** Looks only when the authorities are others than at the last look. */
  #isTrusted(): boolean {
    const { ca } = this.#owner.options.material();
    if (ca === this.#trustedBy) return true;
    if (!isStillTrusted(this.proved.certificate, ca)) return false;
    this.#trustedBy = ca;
    return true;
  }

  /** Looks at every timeout of the connection; called again and again. */
  upkeep(nowMs: number): void {
    const link = this.#link;
    if (this.#peer === undefined) {
      if (nowMs - this.#openedMs >= helloTimeoutMs) this.#violation('no hello in time');
      return;
    }
    if (nowMs - link.receivedMs >= silenceMaxMs) {
      this.close(`nothing arrived for ${silenceMaxMs} ms`);
      return;
    }
    if (link.partialSinceMs !== undefined && nowMs - link.partialSinceMs >= frameTimeoutMs) {
      this.#violation('a frame that is not completed in time');
      return;
    }
    const overdue = this.#image?.overdue(nowMs);
    if (overdue !== undefined) this.refuse(overdue);
    if (nowMs - link.sentMs >= aliveAfterMs) link.send(frameKind.alive, empty);
  }

  /** Ends calls that are past their deadline. */
  expireCalls(nowMs: number): void {
    this.calls.expire(nowMs, this.#link.flushes);
  }

  /** Tells the other side why, then closes. */
  refuse(reason: string): void {
    if (this.#closed) return;
    this.#owner.options.onRefused(this.remoteAddress, reason, 'certificate');
    this.decline(reason);
  }

  /** The same for what is no fault of the other side. */
  decline(reason: string): void {
    if (this.#closed) return;
    this.#link.send(frameKind.refusal, encodeRefusal(reason));
    this.close(reason);
  }

  /** Sends what is queued and closes; `reason` is for this side only. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#socket.writable) this.#link.flush();
    this.#link.stop();
    this.#socket.destroySoon();
    // A peer that does not read could hold the socket for ever.
    setTimeout(() => this.#socket.destroy(), closeGraceMs).unref();
    this.calls.failAll(reason, this.#link.flushes);
    this.#image?.onClosed(reason);
    this.#owner.onClosed(this, reason);
  }

  #cap(): number {
    return frameBytesMaxOf[this.kind];
  }

  #sendHello(connection: ConnectionKind): void {
    const { cluster, self, storeId, featureLevel, engine, advertise } = this.#owner.options;
    this.#link.send(
      frameKind.hello,
      encodeHello({
        version: protocolVersion,
        cluster,
        name: self,
        storeId,
        boot: this.#owner.boot,
        connection,
        featureLevel,
        address: advertise,
        engine,
      }),
    );
  }

  /** Returns whether to go on reading. */
  #onFrame(kind: number, payload: Buffer): boolean {
    if (kind === frameKind.refusal) this.#onRefusal(payload);
    else if (this.#peer === undefined) this.#onGreeting(kind, payload);
    else this.#onReadyFrame(kind, payload, this.#peer);
    return !this.#closed;
  }

  #onRefusal(payload: Buffer): void {
    const reason = decodeRefusal(payload);
    this.close(reason.kind === 'ok' ? `refused by the peer: ${reason.value}` : reason.why);
  }

  #onGreeting(kind: number, payload: Buffer): void {
    if (kind !== frameKind.hello) {
      this.#violation(`frame kind ${kind} before the hello`);
      return;
    }
    const hello = decodeHello(payload);
    if (hello.kind === 'broken') {
      this.refuse(hello.why);
      return;
    }
    const { cluster, self, admit } = this.#owner.options;
    const { proved, dialledFor } = this;
    const greeted = greetedBy(hello.value, { cluster, self, proved, dialledFor, admit });
    if (greeted.kind === 'refused') {
      this.refuse(greeted.reason);
      return;
    }
    this.#kind = greeted.connection;
    this.#peer = greeted.peer;
    this.#boot = hello.value.boot;
    this.#link.raiseCap(this.#cap());
    if (dialledFor === undefined) this.#sendHello(greeted.connection);
    this.#owner.onReady(this, greeted.peer);
  }

  #onReadyFrame(kind: number, payload: Buffer, peer: PeerIdentity): void {
    if (this.#image !== undefined && kind !== frameKind.alive) {
      const why = this.#image.onFrame(kind, payload);
      if (why !== undefined) this.#violation(why);
      return;
    }
    switch (kind) {
      case frameKind.alive:
        return;
      case frameKind.call:
        this.#onCall(payload, peer);
        return;
      case frameKind.reply:
        this.#onReply(payload);
        return;
      default:
        this.#onMessage(kind, payload, peer);
    }
  }

  #onMessage(kind: number, payload: Buffer, peer: PeerIdentity): void {
    const message = decodeMessage(kind, payload);
    if (message.kind === 'broken') {
      this.#violation(message.why);
      return;
    }
    const { from, to, kind: messageKind } = message.value;
    if (String(from) !== peer.name || String(to) !== this.#owner.options.self) {
      this.refuse('identity_mismatch');
    } else if (connectionOf[messageKind] !== this.kind) {
      this.#violation(`${messageKind} on a connection for ${this.kind}`);
    } else {
      this.#arrived.push(message.value);
    }
  }

  /** Hands over what one chunk brought, in one call. */
  #deliver(): void {
    if (this.#arrived.length === 0 || this.#closed) return;
    const messages = this.#arrived;
    this.#arrived = [];
    this.#owner.options.onMessages(this.proved.name, messages);
  }

  #onCall(payload: Buffer, peer: PeerIdentity): void {
    const call = decodeCall(payload);
    if (call.kind === 'broken' || this.kind !== 'bulk') {
      this.#violation(call.kind === 'broken' ? call.why : 'a call on a heartbeat connection');
      return;
    }
    const { id, method, payload: question } = call.value;
    if (this.#repliesOwed >= outstandingCallsMax) {
      this.#link.send(frameKind.reply, encodeReply(id, 'busy', empty));
      return;
    }
    this.#repliesOwed += 1;
    let replied = false;
    this.#owner.options.onCall(peer.name, method, question, (answer) => {
      invariant(!replied, 'a call is replied to once');
      replied = true;
      this.#repliesOwed -= 1;
      this.#reply(id, answer);
    });
  }

  #reply(id: number, answer: Uint8Array): void {
    if (this.#closed) return;
    if (this.#link.unsentBytes > 2 * bulkUnsentBytesMax) {
      this.close('the peer does not take the replies it asked for');
      return;
    }
    const fits = answer.length <= frameBytesMax - 1024;
    const frame = fits ? encodeReply(id, 'ok', answer) : encodeReply(id, 'too-large', empty);
    this.#link.send(frameKind.reply, frame);
  }

  #onReply(payload: Buffer): void {
    const reply = decodeReply(payload);
    if (reply.kind === 'broken') this.#violation(reply.why);
    else this.calls.settle(reply.value);
  }

  /** The other side does not keep to the protocol. */
  #violation(why: string): void {
    if (this.#closed) return;
    this.#owner.options.onRefused(this.remoteAddress, why, 'handshake');
    this.close(why);
  }
}
