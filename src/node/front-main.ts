// The main program of a front: the HTTPS API, its users and its readers. It never sees the peer
// key, never runs user SQL itself and never waits synchronously.
import { randomBytes, randomInt } from 'node:crypto';
import { anonymousPermissionsDefault } from '#auth/auth-file.ts';
import { type AuthReload, openAuth } from '#auth/open-auth.ts';
import type { DeniedRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import { createFront, type Front } from '#http/front.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { frameBytesMax } from '#limits.ts';
import { handleFromParent, pipeToParent } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { denialOf } from '#tls/deny-list.ts';
import { httpsServerOptions } from '#tls/tls-options.ts';
import { identifyUser } from '#tls/user-identity.ts';
import { Deadlines } from './deadlines.ts';
import { FrontBackend } from './front-backend.ts';
import { createLogger, type Logger } from './logger.ts';
import { systemEffects } from './node-effects.ts';
import { readPrivateText } from './node-files.ts';
import { ReaderPool } from './reader-pool.ts';
import {
  drainFront,
  type FrontStart,
  type FrontStarted,
  pushDenied,
  pushView,
  reloadFront,
  sampleFront,
  serveForwarded,
  startFront,
} from './seams/front-seam.ts';
import { openHttpsMaterial } from './tls-material.ts';

/** How often connections are cut whose certificate has ended. */
const certificateSweepMs = 1000;

/** How long running requests may take to finish when the front stops. */
const drainMs = 5000;

interface OpenFront {
  readonly front: Front;
  readonly readers: ReaderPool;
  readonly reload: () => Promise<string>;
}

const described = ({ added, removed, changed }: AuthReload): string => {
  const parts = [
    added.length > 0 ? `added ${added.join(', ')}` : '',
    removed.length > 0 ? `removed ${removed.join(', ')}` : '',
    changed.length > 0 ? `changed ${changed.join(', ')}` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'users unchanged' : `users: ${parts.join('; ')}`;
};

const openFront = async (start: FrontStart, seam: Seam, log: Logger): Promise<OpenFront> => {
  const nowMs = (): number => systemClock.monotonicMs();
  const material = openHttpsMaterial(start, systemEffects);
  const auth = await openAuth({
    path: start.authFile,
    readFile: (path) => Promise.resolve(readPrivateText(path, systemFiles)),
    nowMs,
    processKey: randomBytes(32).toString('base64'),
    plaintextPasswords: false,
    anonymousPermissions: anonymousPermissionsDefault,
  });
  const readers = new ReaderPool({
    folder: start.dataFolder,
    doubleQuotedStrings: start.doubleQuotedStrings,
    readersMax: start.readers,
    now: nowMs,
    log,
  });
  const backend = new FrontBackend(start, seam, readers, new Deadlines(nowMs));
  seam.hear(pushView, (view) => backend.update(view));
  const front = await createFront({
    tls: httpsServerOptions(material.current()),
    auth,
    backend,
    version: start.version,
    advertisedAddress: start.advertise,
    peerAddress: start.peerAdvertise,
    hosts: undefined,
    requestIdPrefix: randomBytes(6).toString('hex'),
    nowMs,
    reads: {
      rowsMax: start.rowsMax,
      bytesMax: start.bytesMax,
      deadlineMs: start.statementDeadlineMs,
    },
    bodyBytesMax: start.bodyBytesMax,
    certificates: {
      identify: (socket) => identifyUser(socket, clusterIdFrom(start.cluster)),
      denied: (shown) => denialOf(denied, shown) !== undefined,
      wallMs: () => systemClock.wallMs(),
    },
    allowOrigins: start.allowOrigins,
    alwaysUnauthorized: start.alwaysUnauthorized,
    queue: start.queue,
    // A random part, because fronts start together.
    firstSequence: BigInt(systemClock.wallMs()) * 1_000_000n + BigInt(randomInt(1_000_000)),
    onQueueFailure: (failure) => log.warn({ ...failure }, 'a queued write failed'),
    onDenied: (denial) => log.warn({ ...denial }, 'denied'),
    onFault: (requestId, error) => log.error({ requestId, err: error }, 'a fault of this program'),
  });
  setInterval(() => front.sweepCertificates(), certificateSweepMs).unref();
  seam.serve(serveForwarded, (request, reply) => {
    front.serveForwarded(Buffer.from(request), reply);
  });
  seam.serve(sampleFront, (_request, reply) => reply(front.samples()));
  await front.listen({ kind: 'handle', handle: await listeningHandle });
  readers.warm();
  return {
    front,
    readers,
    reload: async () => {
      const certificate = material.tryReload();
      if (certificate.kind === 'reloaded') {
        front.server.setSecureContext(httpsServerOptions(material.current()));
      }
      const kept = certificate.kind === 'kept' ? ` (${certificate.error.message})` : '';
      const users = await auth.reload().then(described, (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        return `users kept as they were: ${why}`;
      });
      return `https certificate ${certificate.kind}${kept}; ${users}`;
    },
  };
};

const failureOf = (error: unknown): FrontStarted => {
  const coded = error instanceof CodedError ? error : undefined;
  return {
    code: coded?.code ?? 'internal',
    message: error instanceof Error ? error.message : String(error),
    hint: coded?.details.hint ?? '',
  };
};

// The handle is the first message: whoever asks for it later would miss it.
const listeningHandle = handleFromParent();

let open: OpenFront | undefined;
/** Told before the front is started, so that it never serves without. */
let denied: readonly DeniedRecord[] = [];

const seam = new Seam(pipeToParent(), { frameBytesMax, onClose: () => process.exit(0) });

seam.hear(pushDenied, (list) => {
  denied = list;
  open?.front.sweepCertificates();
});

seam.serve(startFront, (start, reply) => {
  const log = createLogger(start.logLevel, start.logFormat, { node: start.name, part: 'front' });
  openFront(start, seam, log).then(
    (opened) => {
      open = opened;
      reply({ code: '', message: '', hint: '' });
    },
    (error: unknown) => {
      reply(failureOf(error));
    },
  );
});

seam.serve(reloadFront, (_request, reply) => {
  void (open?.reload() ?? Promise.resolve('not open')).then((report) => reply({ report }));
});

seam.serve(drainFront, (_request, reply) => {
  void (open?.front.close(drainMs) ?? Promise.resolve()).then(() => {
    open?.readers.close();
    reply(undefined);
    seam.flush();
  });
});
