// Frames over one byte stream between two nodes. Everything sent in one turn of the event loop
// leaves as one buffer in one write. What arrives is hostile until proven otherwise: a frame's
// length is checked before anything is kept for it, against a cap that starts tiny.
//
// Frame: [length u32 LE, of what follows][kind u8][payload]. Kinds are in frame-kind.ts, payloads
// in src/command/peer.proto.

/** What a link needs of a socket. */
export interface ByteStream {
  readonly writableLength: number;
  write(bytes: Buffer): boolean;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
}

/** Settings of a link. */
export interface FrameLinkOptions {
  /** Cap of one frame until {@link FrameLink.raiseCap}. */
  readonly frameBytesMax: number;
  /**
   * `payload` is never written to again: it may be kept. Returns false to stop reading for good.
   */
  readonly onFrame: (kind: number, payload: Buffer) => boolean;
  /** All frames of one chunk were handed over. */
  readonly onChunkEnd: () => void;
  /** A frame outside the cap: whoever owns the stream must close it. */
  readonly onBroken: (why: string) => void;
  readonly monotonicMs: () => number;
}

const headerBytes = 5;

const writeFrame = (bytes: Buffer, at: number, kind: number, payload: Uint8Array): number => {
  bytes.writeUInt32LE(payload.length + 1, at);
  bytes[at + 4] = kind;
  bytes.set(payload, at + headerBytes);
  return at + headerBytes + payload.length;
};

/** One frame by itself. */
export const frameOf = (kind: number, payload: Uint8Array): Buffer => {
  const bytes = Buffer.allocUnsafe(headerBytes + payload.length);
  writeFrame(bytes, 0, kind, payload);
  return bytes;
};

/** The framing of one connection, both directions. */
export class FrameLink {
  readonly #stream: ByteStream;
  readonly #options: FrameLinkOptions;
  #frameBytesMax: number;
  #queued: { readonly kind: number; readonly payload: Uint8Array }[] = [];
  #queuedBytes = 0;
  #stopped = false;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #needed = 4;
  /** When the first byte of the frame that is still incomplete arrived; undefined when none is. */
  #partialSinceMs: number | undefined;
  #receivedMs: number;
  #sentMs: number;
  #flushes = 0;

  constructor(stream: ByteStream, options: FrameLinkOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#frameBytesMax = options.frameBytesMax;
    this.#receivedMs = options.monotonicMs();
    this.#sentMs = this.#receivedMs;
    stream.on('data', (chunk) => this.#receive(chunk));
  }

  /** Bytes that are queued here or wait in the stream. */
  get unsentBytes(): number {
    return this.#queuedBytes + this.#stream.writableLength;
  }

  /** Counts the writes: what was queued at a lower count has been handed to the stream. */
  get flushes(): number {
    return this.#flushes;
  }

  /** When a byte last arrived, on the clock that was handed in. */
  get receivedMs(): number {
    return this.#receivedMs;
  }

  /** When something was last queued. */
  get sentMs(): number {
    return this.#sentMs;
  }

  /** Since when a frame has been incomplete. */
  get partialSinceMs(): number | undefined {
    return this.#partialSinceMs;
  }

  /** Lets larger frames in: the other side is known now. */
  raiseCap(frameBytesMax: number): void {
    this.#frameBytesMax = frameBytesMax;
  }

  /** Queues a frame; `payload` must not be changed any more. */
  send(kind: number, payload: Uint8Array): void {
    if (this.#stopped) return;
    this.#sentMs = this.#options.monotonicMs();
    this.#queued.push({ kind, payload });
    this.#queuedBytes += headerBytes + payload.length;
    if (this.#queued.length === 1) setImmediate(() => this.flush());
  }

  /** Hands everything queued to the stream now, in one write. */
  flush(): void {
    if (this.#stopped || this.#queued.length === 0) return;
    const bytes = Buffer.allocUnsafe(this.#queuedBytes);
    let at = 0;
    for (const { kind, payload } of this.#queued) at = writeFrame(bytes, at, kind, payload);
    this.#queued = [];
    this.#queuedBytes = 0;
    this.#flushes += 1;
    this.#stream.write(bytes);
  }

  /** Nothing is read or sent any more. */
  stop(): void {
    this.#stopped = true;
    this.#queued = [];
    this.#queuedBytes = 0;
    this.#rest = [];
    this.#restBytes = 0;
    this.#partialSinceMs = undefined;
  }

  #receive(chunk: Buffer): void {
    if (this.#stopped) return;
    this.#receivedMs = this.#options.monotonicMs();
    let bytes = chunk;
    if (this.#restBytes > 0) {
      this.#rest.push(chunk);
      this.#restBytes += chunk.length;
      if (this.#restBytes < this.#needed) return;
      bytes = Buffer.concat(this.#rest, this.#restBytes);
      this.#rest = [];
      this.#restBytes = 0;
    }
    this.#partialSinceMs = undefined;
    const consumed = this.#consume(bytes);
    if (consumed > 0) this.#options.onChunkEnd();
    if (this.#stopped || consumed === bytes.length) return;
    this.#rest = [bytes.subarray(consumed)];
    this.#restBytes = bytes.length - consumed;
    this.#partialSinceMs = this.#receivedMs;
  }

  /** Hands over the complete frames and returns how many bytes they took. */
  #consume(bytes: Buffer): number {
    let at = 0;
    this.#needed = 4;
    while (bytes.length - at >= 4) {
      const length = bytes.readUInt32LE(at);
      if (length < 1 || length > this.#frameBytesMax) {
        this.#options.onBroken(`a frame of ${length} bytes is outside 1..${this.#frameBytesMax}`);
        return at;
      }
      const end = at + 4 + length;
      if (end > bytes.length) {
        this.#needed = end - at;
        return at;
      }
      const kind = bytes[at + 4] ?? 0;
      if (!this.#options.onFrame(kind, bytes.subarray(at + headerBytes, end))) return end;
      at = end;
    }
    return at;
  }
}
