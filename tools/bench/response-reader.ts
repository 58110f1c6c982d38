// Reads HTTP/1.1 responses off a connection that has one request in flight at a time, as cheaply as
// a client can: it looks at the status, the length and the body, and at nothing else.

/** A complete response. */
export interface Response {
  readonly status: number;
  /** Valid until the next chunk is taken. */
  readonly body: Buffer;
  /** The server closes the connection behind this response. */
  readonly closes: boolean;
}

const headEnd = Buffer.from('\r\n\r\n');
const nothing: Buffer = Buffer.alloc(0);

/** The body of a chunked response from `start`, or undefined when its end has not arrived. */
const unchunked = (bytes: Buffer, start: number): Buffer | undefined => {
  const parts: Buffer[] = [];
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (!Number.isInteger(size)) throw new Error('a chunk without a size');
    const from = lineEnd + 2;
    if (bytes.length < from + size + 2) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(from, from + size));
    at = from + size + 2;
  }
};

/** Collects chunks until a response is complete. */
export class ResponseReader {
  #kept: Buffer = nothing;
  /** Bytes of the whole response as far as its head tells; 0 when it does not. */
  #needed = 0;

  /**
   * Takes a chunk; the response when it is complete, else undefined. @throws Error if it is none
   */
  take(chunk: Buffer): Response | undefined {
    const bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    const response = bytes.length < this.#needed ? undefined : this.#parse(bytes);
    this.#kept = response === undefined ? bytes : nothing;
    if (response !== undefined) this.#needed = 0;
    return response;
  }

  #parse(bytes: Buffer): Response | undefined {
    const end = bytes.indexOf(headEnd);
    if (end === -1) return undefined;
    const head = bytes.toString('latin1', 0, end + 2);
    const status = Number.parseInt(head.slice(9, 12), 10);
    if (!head.startsWith('HTTP/1.') || !Number.isInteger(status))
      throw new Error('no HTTP response');
    const closes = /\r\nconnection: close\r\n/i.test(head);
    const start = end + headEnd.length;
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1];
    if (length !== undefined) {
      this.#needed = start + Number(length);
      if (bytes.length < this.#needed) return undefined;
      return { status, body: bytes.subarray(start, this.#needed), closes };
    }
    if (!/\r\ntransfer-encoding: chunked\r\n/i.test(head)) {
      return { status, body: nothing, closes };
    }
    const body = unchunked(bytes, start);
    return body === undefined ? undefined : { status, body, closes };
  }
}
