// A link between two processes of one node, or two nodes: frames over a byte stream, many messages
// per write. Everything sent in one turn of the event loop leaves as one buffer in one write.
//
// Frame: [length u32 LE, of what follows][kind u8][request u32 LE][payload]. `kind` names the
// message in the seam's method table; `request` ties a reply to its call, 0 where none is due.

/** One message as it arrived; `payload` is only valid until the handler returns, copy to keep. */
export interface Frame {
  readonly kind: number;
  readonly request: number;
  readonly payload: Buffer;
}

/** What a link reads from and writes to: a socket, or a child's pipe. */
export interface ByteStream {
  write(bytes: Buffer): boolean;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'drain', listener: () => void): unknown;
  destroy(): unknown;
}

/** Settings of a link. */
export interface LinkOptions {
  readonly frameBytesMax: number;
  readonly onFrame: (frame: Frame) => void;
  /** All frames of one chunk were handed over: the place to answer in batches. */
  readonly onBatchEnd?: () => void;
  /** Called once; `reason` is undefined for an orderly end. */
  readonly onClose: (reason: Error | undefined) => void;
}

/** Room for one outgoing frame header. */
const headerBytes = 9;
const initialBytes = 64 * 1024;
/** A buffer that grew beyond this is given back after it was written. */
const keptBytesMax = 1024 * 1024;

/** An open link. Not for use after `close`. */
export class Link {
  readonly #stream: ByteStream;
  readonly #options: LinkOptions;
  #out = Buffer.allocUnsafeSlow(initialBytes);
  #outLength = 0;
  #flushing = false;
  #closed = false;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #needed = 4;
  /** Bytes handed to the stream that it has not taken yet make this true. */
  #blocked = false;

  constructor(stream: ByteStream, options: LinkOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on('data', (chunk) => this.#receive(chunk));
    stream.on('error', (error) => this.#end(error));
    stream.on('close', () => this.#end(undefined));
    stream.on('drain', () => {
      this.#blocked = false;
    });
  }

  /** Whether the other side is slower than we write; whoever produces much should wait. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Whether the link is over. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes written in this turn that have not been handed to the stream yet. */
  get pendingBytes(): number {
    return this.#outLength;
  }

  /** Queues a frame whose payload is the concatenation of `parts`. */
  send(kind: number, request: number, ...parts: readonly Uint8Array[]): void {
    if (this.#closed) return;
    let length = 5;
    for (const part of parts) length += part.length;
    let at = this.#reserve(length + 4);
    const out = this.#out;
    out.writeUInt32LE(length, at);
    out[at + 4] = kind;
    out.writeUInt32LE(request, at + 5);
    at += headerBytes;
    for (const part of parts) {
      out.set(part, at);
      at += part.length;
    }
    this.#outLength = at;
    if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => this.flush());
    }
  }

  /** Hands everything queued to the stream now, in one write. */
  flush(): void {
    this.#flushing = false;
    if (this.#closed || this.#outLength === 0) return;
    // The stream keeps what it is given until the kernel took it, so it gets a copy of the right
    // size: a fresh buffer of full size for every turn would keep the garbage collector busy.
    const bytes = Buffer.allocUnsafe(this.#outLength);
    this.#out.copy(bytes, 0, 0, this.#outLength);
    if (this.#out.length > keptBytesMax) this.#out = Buffer.allocUnsafeSlow(initialBytes);
    this.#outLength = 0;
    if (!this.#stream.write(bytes)) this.#blocked = true;
  }

  /** Ends the link at once; what was not flushed is lost. */
  close(): void {
    this.#stream.destroy();
    this.#end(undefined);
  }

  #end(reason: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#rest = [];
    this.#options.onClose(reason);
  }

  #reserve(bytes: number): number {
    const at = this.#outLength;
    if (at + bytes > this.#out.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#out.length * 2, at + bytes));
      this.#out.copy(grown, 0, 0, at);
      this.#out = grown;
    }
    return at;
  }

  #receive(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#restBytes > 0) {
      this.#rest.push(chunk);
      this.#restBytes += chunk.length;
      if (this.#restBytes < this.#needed) return;
      bytes = Buffer.concat(this.#rest, this.#restBytes);
      this.#rest = [];
      this.#restBytes = 0;
    }
    const consumed = this.#consume(bytes);
    if (this.#closed) return;
    if (consumed < bytes.length) {
      this.#rest = [consumed === 0 ? bytes : bytes.subarray(consumed)];
      this.#restBytes = bytes.length - consumed;
    }
    if (consumed > 0) this.#options.onBatchEnd?.();
  }

  #consume(bytes: Buffer): number {
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = bytes.readUInt32LE(at);
      if (length < 5 || length > this.#options.frameBytesMax) {
        this.#stream.destroy();
        this.#end(
          new Error(`a frame of ${length} bytes is outside 5..${this.#options.frameBytesMax}`),
        );
        return at;
      }
      const end = at + 4 + length;
      if (end > bytes.length) {
        this.#needed = 4 + length;
        return at;
      }
      this.#options.onFrame({
        kind: bytes[at + 4] ?? 0,
        request: bytes.readUInt32LE(at + 5),
        payload: bytes.subarray(at + headerBytes, end),
      });
      if (this.#closed) return end;
      at = end;
    }
    this.#needed = 4;
    return at;
  }
}
