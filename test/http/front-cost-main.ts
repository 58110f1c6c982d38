// What a request costs in the front: CPU time of the server process per small write, compared with
// a bare fastify HTTPS echo in the same run. Variants take turns in short slices, because two of
// them compare only within one run.
//
//   node test/http/front-cost-main.ts [SECONDS a slice] [SLICES] [CONNECTIONS]
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import fastify from 'fastify';
import { openAuth } from '#auth/open-auth.ts';
import { hashPassword } from '#auth/password.ts';
import { encodeOutcome } from '#command/outcome-codec.ts';
import { createFront } from '#http/front.ts';
import { queueStandard } from '#http/queue/write-queue.ts';
import { resultBytesMax, rowsMax } from '#limits.ts';
import { LocalBackend } from './local-backend.ts';
import { readConsoleFile, testCertificate } from './test-front.ts';

const variants = ['echo', 'front', 'front-and-sqlite'] as const;
type Variant = (typeof variants)[number];

const body = '[["INSERT INTO t(v) VALUES(?)","a value of some length"]]';
const authorization = `Basic ${Buffer.from('admin:a password').toString('base64')}`;
const request = Buffer.from(
  `POST /db/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: ${authorization}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
);

/** A backend whose writes cost nothing, so that what is left is the front. */
class InstantBackend extends LocalBackend {
  readonly #outcome = encodeOutcome({
    kind: 'results',
    json: Buffer.from('{"last_insert_id":1234,"rows_affected":1}'),
    error: '',
    microseconds: 10,
  });
  #waiting: (() => void)[] = [];

  override propose: LocalBackend['propose'] = (_proposal, done) => {
    this.#waiting.push(() => done({ kind: 'outcome', index: 1, outcome: this.#outcome }));
    if (this.#waiting.length > 1) return;
    setImmediate(() => {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const answer of waiting) answer();
    });
  };
}

const serve = async (variant: Variant): Promise<void> => {
  const { cert, key } = testCertificate();
  const tls = { cert, key, minVersion: 'TLSv1.3' as const };
  let port: number;
  if (variant === 'echo') {
    const app = fastify({ https: tls });
    app.post('/db/execute', (sent) => sent.body);
    await app.listen({ host: '127.0.0.1', port: 0 });
    port = (app.server.address() as { port: number }).port;
  } else {
    const folder = mkdtempSync(join(tmpdir(), 'stockade-cost-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    const users = [{ username: 'admin', password: hashPassword('a password', 10), perms: ['all'] }];
    const auth = openAuth({
      readText: () => JSON.stringify(users),
      plaintextPasswords: false,
      anonymousPermissions: [],
      wallMs: () => Date.now(),
      nowMs: () => performance.now(),
      processKey: 'key',
    });
    const local = new LocalBackend(folder);
    const table = Buffer.from('["CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)"]');
    const front = await createFront({
      tls,
      auth,
      backend: variant === 'front' ? new InstantBackend(`${folder}/2`) : local,
      version: '10.0.0',
      readConsoleFile,
      advertisedAddress: '127.0.0.1:4001',
      peerAddress: '127.0.0.1:4002',
      hosts: undefined,
      requestIdPrefix: 'cost-1234',
      nowMs: () => performance.now(),
      reads: { rowsMax, bytesMax: resultBytesMax, deadlineMs: 30_000 },
      queue: queueStandard,
      firstSequence: 1_700_000_000_000_000_001n,
      onQueueFailure: () => {},
      audit: { refuse: true, record: (_event, done) => setImmediate(done, true) },
      onDenied: () => {},
      onFault: () => {},
    });
    port = await front.listen({ kind: 'address', host: '127.0.0.1', port: 0 });
    await roundTrip(port, table);
  }
  process.send?.({ port });
  process.on('message', () => process.send?.(process.cpuUsage()));
  process.on('disconnect', () => process.exit(0));
};

const roundTrip = (port: number, sent: Buffer): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      socket.write(
        `POST /db/execute HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\nContent-Length: ${sent.length}\r\n\r\n${sent.toString()}`,
      );
    });
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
  });

/** Keeps `count` connections busy until `untilMs`; the number of answers. */
const load = async (sockets: readonly TLSSocket[], untilMs: number): Promise<number> => {
  let answers = 0;
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          const next = (): void => {
            answers += 1;
            if (performance.now() < untilMs) socket.write(request);
            else {
              socket.off('data', next);
              resolve();
            }
          };
          socket.on('data', next);
          socket.write(request);
        }),
    ),
  );
  return answers;
};

const child = async (variant: Variant, connections: number) => {
  const process_ = fork(import.meta.filename, ['serve', variant], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=8'],
  });
  const hear = <T>(): Promise<T> => new Promise((resolve) => process_.once('message', resolve));
  const { port } = await hear<{ port: number }>();
  const sockets = await Promise.all(
    Array.from(
      { length: connections },
      () =>
        new Promise<TLSSocket>((resolve) => {
          const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () =>
            resolve(socket),
          );
        }),
    ),
  );
  const cpu = async (): Promise<number> => {
    process_.send('cpu');
    const { user, system } = await hear<NodeJS.CpuUsage>();
    return user + system;
  };
  return { variant, sockets, cpu, end: () => process_.disconnect() };
};

const quartile = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 4)] ?? 0;

if (process.argv[2] === 'serve') {
  await serve(process.argv[3] as Variant);
} else {
  const [seconds = 1, slices = 6, connections = 64] = process.argv.slice(2).map(Number);
  const children = await Promise.all(variants.map((variant) => child(variant, connections)));
  for (const { sockets } of children) await load(sockets, performance.now() + 1500);
  const figures = new Map<Variant, Figures>();
  for (const variant of variants) figures.set(variant, { cpu: [], rate: [] });
  for (let slice = 0; slice < slices; slice++) {
    for (const { variant, sockets, cpu } of children) {
      const before = await cpu();
      const startedMs = performance.now();
      const answers = await load(sockets, startedMs + seconds * 1000);
      const tookMs = performance.now() - startedMs;
      figures.get(variant)?.cpu.push(((await cpu()) - before) / answers);
      figures.get(variant)?.rate.push((answers / tookMs) * 1000);
    }
  }
  for (const [variant, { cpu, rate }] of figures) {
    process.stdout.write(
      `${variant.padEnd(18)} ${quartile(cpu).toFixed(1).padStart(7)} µs of CPU a request, ${Math.round(Math.max(...rate))} requests/s at best\n`,
    );
  }
  for (const { end, sockets } of children) {
    for (const socket of sockets) socket.destroy();
    end();
  }
}

interface Figures {
  readonly cpu: number[];
  readonly rate: number[];
}
