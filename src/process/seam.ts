// A seam between two processes: a table of methods and events, from which caller and server derive
// their types, over one Link. A method is answered once; an event is not answered.
import { unreachable } from '#invariant.ts';
import { type ByteStream, type Frame, Link } from './link.ts';

/** How values of one type cross a seam. `decode` may keep no reference to `bytes`. */
export interface SeamCodec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Buffer): T;
}

/** A question and its answer. `kind` is unique in its seam, 1 to 126. */
export interface Method<Request, Reply> {
  readonly kind: number;
  readonly request: SeamCodec<Request>;
  readonly reply: SeamCodec<Reply>;
}

/** Something said without an answer. `kind` is unique in its seam, 1 to 126. */
export interface SeamEvent<Value> {
  readonly kind: number;
  readonly value: SeamCodec<Value>;
}

/** How a call ended: an answer, or the other side is gone (it may have done the work). */
export type Answer<Reply> =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'gone' };

/** Bytes as they are, copied, because a frame's payload lives only as long as its handler runs. */
export const bytesCodec: SeamCodec<Uint8Array> = {
  encode: (value) => value,
  decode: (bytes) => Buffer.from(bytes),
};

/** Nothing but the fact of the call. */
export const emptyCodec: SeamCodec<undefined> = {
  encode: () => Buffer.alloc(0),
  decode: () => undefined,
};

/** JSON, for what is said rarely (start, status); never on the path of a request. */
export const jsonCodec = <T>(): SeamCodec<T> => ({
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(bytes.toString('utf8')) as T,
});

/** The bit of a frame's kind that marks a reply. */
const replyBit = 0x80;

/** Settings of one end of a seam. */
export interface SeamOptions {
  readonly frameBytesMax: number;
  /** All frames of one chunk were handled: the place to send what was collected. */
  readonly onBatchEnd?: () => void;
  /** The other side is gone; called once. */
  readonly onClose: (reason: Error | undefined) => void;
}

type Handler = (payload: Buffer, request: number) => void;

/** One end of a seam. */
export class Seam {
  readonly #link: Link;
  readonly #handlers = new Map<number, Handler>();
  readonly #pending = new Map<number, (payload: Buffer | undefined) => void>();
  #nextRequest = 1;

  constructor(stream: ByteStream, options: SeamOptions) {
    this.#link = new Link(stream, {
      frameBytesMax: options.frameBytesMax,
      onFrame: (frame) => this.#dispatch(frame),
      ...(options.onBatchEnd === undefined ? {} : { onBatchEnd: options.onBatchEnd }),
      onClose: (reason) => {
        const pending = [...this.#pending.values()];
        this.#pending.clear();
        for (const done of pending) done(undefined);
        options.onClose(reason);
      },
    });
  }

  /** Whether the other side reads slower than we write. */
  get blocked(): boolean {
    return this.#link.blocked;
  }

  /** Whether the other side is gone. */
  get closed(): boolean {
    return this.#link.closed;
  }

  /** Calls that have not been answered yet. */
  get callsInFlight(): number {
    return this.#pending.size;
  }

  /** Answers a method; `reply` is called once, now or later. */
  serve<Request, Reply>(
    method: Method<Request, Reply>,
    handler: (request: Request, reply: (value: Reply) => void) => void,
  ): void {
    this.#handlers.set(method.kind, (payload, request) => {
      handler(method.request.decode(payload), (value) => {
        this.#link.send(method.kind | replyBit, request, method.reply.encode(value));
      });
    });
  }

  /** Hears an event. */
  hear<Value>(event: SeamEvent<Value>, handler: (value: Value) => void): void {
    this.#handlers.set(event.kind, (payload) => handler(event.value.decode(payload)));
  }

  /** Asks; `done` is called once and never before this returns, except when the link is closed. */
  call<Request, Reply>(
    method: Method<Request, Reply>,
    request: Request,
    done: (answer: Answer<Reply>) => void,
  ): void {
    if (this.#link.closed) {
      done({ kind: 'gone' });
      return;
    }
    const id = this.#nextRequest;
    this.#nextRequest = id === 0xffff_ffff ? 1 : id + 1;
    this.#pending.set(id, (payload) => {
      done(
        payload === undefined
          ? { kind: 'gone' }
          : { kind: 'reply', reply: method.reply.decode(payload) },
      );
    });
    this.#link.send(method.kind, id, method.request.encode(request));
  }

  /** {@link call} as a promise, for start and stop; rejects when the other side is gone. */
  async ask<Request, Reply>(method: Method<Request, Reply>, request: Request): Promise<Reply> {
    const answer = await new Promise<Answer<Reply>>((resolve) => {
      this.call(method, request, resolve);
    });
    switch (answer.kind) {
      case 'reply':
        return answer.reply;
      case 'gone':
        throw new Error('the process at the other end of the pipe is gone');
      default:
        return unreachable(answer);
    }
  }

  /** Says something without waiting for an answer. */
  notify<Value>(event: SeamEvent<Value>, value: Value): void {
    this.#link.send(event.kind, 0, event.value.encode(value));
  }

  /** Hands everything said in this turn to the pipe now. */
  flush(): void {
    this.#link.flush();
  }

  /** Ends the seam at once. */
  close(): void {
    this.#link.close();
  }

  #dispatch(frame: Frame): void {
    if ((frame.kind & replyBit) !== 0) {
      const done = this.#pending.get(frame.request);
      this.#pending.delete(frame.request);
      done?.(frame.payload);
      return;
    }
    this.#handlers.get(frame.kind)?.(frame.payload, frame.request);
  }
}
