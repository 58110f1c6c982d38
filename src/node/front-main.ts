// The main program of a front: the HTTPS API, its users and its readers. It never sees the peer
// key, never runs user SQL itself and never waits synchronously.
import { randomBytes, randomInt } from 'node:crypto';
import { openAuth } from '#auth/open-auth.ts';
import type { DeniedRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import type { UsersReply } from '#http/backend.ts';
import type { CertificateEnd } from '#http/certificate-ends.ts';
import { createFront, type Front } from '#http/front.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';
import { systemClock } from '#io/clock.ts';
import { keepCodeCache } from '#io/code-cache.ts';
import { readTextFile } from '#io/text-files.ts';
import { consoleFileBytesMax, frameBytesMax } from '#limits.ts';
import { handleFromParent, pipeToParent } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { endsOfHttps } from '#tls/certificate-ends.ts';
import { denialOf } from '#tls/deny-list.ts';
import { httpsServerOptions } from '#tls/tls-options.ts';
import { identifyUser } from '#tls/user-identity.ts';
import { keptFor } from './auth-file-keeper.ts';
import { CertificateCountdown, countdownEveryMs } from './certificate-countdown.ts';
import { FrontBackend } from './front-backend.ts';
import { createLogger, type Logger } from './logger.ts';
import { MaterialWatch, materialLookEveryMs } from './material-watch.ts';
import { systemEffects } from './node-effects.ts';
import { ProcessNumbers, residentSamples } from './numbers/process-numbers.ts';
import { ReaderPool } from './reader-pool.ts';
import {
  drainFront,
  type FrontStart,
  type FrontStarted,
  pushCertificates,
  pushDenied,
  pushView,
  reloadFront,
  sampleFront,
  serveForwarded,
  startFront,
} from './seams/front-seam.ts';
import { frontQueries, killInFront } from './seams/queries-seam.ts';
import { recordAudit, replaceUsers } from './seams/users-seam.ts';
import { openHttpsMaterial } from './tls-material.ts';
import { WalWatch, walBytesIn, walReadMsMin } from './wal-watch.ts';

/** How often connections are cut whose certificate has ended. */
const certificateSweepMs = 1000;

/** How long running requests may take to finish when the front stops. */
const drainMs = 5000;

interface OpenFront {
  readonly front: Front;
  readonly readers: ReaderPool;
  readonly reload: () => string;
  readonly replaceUsers: (text: string) => UsersReply;
}

const openFront = async (start: FrontStart, seam: Seam, log: Logger): Promise<OpenFront> => {
  const nowMs = (): number => systemClock.monotonicMs();
  const material = openHttpsMaterial(start, systemEffects);
  let { authText } = start;
  const auth = openAuth({
    readText: () => authText,
    nowMs,
    wallMs: () => systemClock.wallMs(),
    processKey: randomBytes(32).toString('base64'),
    plaintextPasswords: start.plaintextPasswords,
    anonymousPermissions: start.anonymousPermissions,
  });
  const readers = new ReaderPool({
    folder: start.dataFolder,
    doubleQuotedStrings: start.doubleQuotedStrings,
    readersMax: start.readers,
    now: nowMs,
    log,
  });
  readers.warm();
  new WalWatch(
    () => walBytesIn(start.dataFolder, systemEffects.files),
    () => readers.endOldest(walReadMsMin),
  ).start();
  const backend = new FrontBackend(start, seam, readers, nowMs);
  seam.hear(pushView, (view) => backend.update(view));
  const ends = (): readonly CertificateEnd[] => endsOfHttps(material.current());
  const front = await createFront({
    tls: httpsServerOptions(material.current()),
    auth,
    backend,
    version: start.version,
    readConsoleFile: (path) => readTextFile(path, consoleFileBytesMax),
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
    certificateEnds: () => [...nodeEnds, ...ends()],
    allowOrigins: start.allowOrigins,
    alwaysUnauthorized: start.alwaysUnauthorized,
    queue: start.queue,
    // A random part, because fronts start together.
    firstSequence: BigInt(systemClock.wallMs()) * 1_000_000n + BigInt(randomInt(1_000_000)),
    slowMs: start.slowStatementMs,
    doubleQuotedStrings: start.doubleQuotedStrings,
    onSlow: (slow) => log.warn({ ...slow }, 'a slow request'),
    onQueueFailure: (failure) => log.warn({ ...failure }, 'a queued write failed'),
    audit: {
      refuse: start.auditRefuses,
      record: (event, done) => {
        seam.call(recordAudit, event, (answer) => {
          done(answer.kind === 'reply' && answer.reply.durable);
        });
      },
    },
    onDenied: (denial) => log.warn({ ...denial }, 'denied'),
    onFault: (requestId, error) => log.error({ requestId, err: error }, 'a fault of this program'),
  });
  setInterval(() => front.sweepCertificates(), certificateSweepMs).unref();
  const watch = new MaterialWatch({
    material,
    what: 'https',
    log,
    onReloaded: (before, now) => {
      front.server.setSecureContext(httpsServerOptions(now));
      // What a dropped authority signed names nobody any more: whoever has one proves it anew.
      if (before.clientCa !== now.clientCa) front.sweepCertificates(true);
    },
  });
  setInterval(() => watch.look(), materialLookEveryMs).unref();
  const countdown = new CertificateCountdown(ends, log, () => systemClock.wallMs());
  setInterval(() => countdown.look(), countdownEveryMs).unref();
  countdown.look();
  seam.serve(serveForwarded, (request, reply) => {
    front.serveForwarded(Buffer.from(request), reply);
  });
  seam.serve(frontQueries, (_request, reply) => reply(front.queries()));
  seam.serve(killInFront, ({ id }, reply) => reply(front.kill(id)));
  const numbers = new ProcessNumbers('front', systemEffects.files, nowMs);
  seam.serve(sampleFront, (_request, reply) => {
    const readersMemory = residentSamples('reader', readers.pids(), systemEffects.files);
    reply([...front.samples(), ...numbers.samples(), ...readersMemory]);
  });
  await front.listen({ kind: 'handle', handle: await listeningHandle }).catch((cause: unknown) => {
    throw cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
      ? new CodedError('address_in_use', "another program listens on the API's address", {
          hint: 'Stop it, or set http.listen to a free port.',
          cause,
        })
      : cause;
  });
  return {
    front,
    readers,
    reload: () => {
      const certificate = watch.look();
      const kept = certificate.kind === 'kept' ? ` (${certificate.error.message})` : '';
      return `https certificate ${certificate.kind}${kept}`;
    },
    replaceUsers: (text) => {
      authText = text;
      try {
        const reload = auth.reload();
        return { kind: 'reloaded', reload, cutOff: front.cutOff(reload) };
      } catch (error) {
        return keptFor(error);
      }
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
/** Both told before the front is started, so that it never serves without. */
let nodeEnds: readonly CertificateEnd[] = [];
let denied: readonly DeniedRecord[] = [];

const seam = new Seam(pipeToParent(), { frameBytesMax, onClose: () => process.exit(0) });

// Readers end when their pipe closes; one that is stuck in SQLite does not see that it does.
process.on('exit', () => open?.readers.close());

seam.hear(pushDenied, (list) => {
  denied = list;
  open?.front.sweepCertificates();
});

seam.hear(pushCertificates, (ends) => {
  nodeEnds = ends;
});

seam.serve(startFront, (start, reply) => {
  keepCodeCache();
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
  reply({ report: open?.reload() ?? 'not open' });
});

seam.serve(replaceUsers, ({ text }, reply) => {
  reply(open?.replaceUsers(text) ?? { kind: 'kept', code: 'not_ready', message: 'not open' });
});

seam.serve(drainFront, (_request, reply) => {
  void (open?.front.close(drainMs) ?? Promise.resolve()).then(() => {
    open?.readers.close();
    reply(undefined);
    seam.flush();
  });
});
