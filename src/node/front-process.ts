// A front as a child process, seen from the node: started with settings and a listening handle,
// told how the node stands, answered when it asks, replaced when it ends.
import type { DeniedRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import type { UsersReply } from '#http/backend.ts';
import type { CertificateEnd } from '#http/certificate-ends.ts';
import { frameBytesMax } from '#limits.ts';
import { Seam } from '#process/seam.ts';
import { spawnFront } from './early-children.ts';
import type { ListeningHandle } from './listening-handle.ts';
import {
  drainFront,
  type FrontStart,
  pushCertificates,
  pushDenied,
  pushView,
  reloadFront,
  startFront,
  type ViewPush,
} from './seams/front-seam.ts';
import { replaceUsers } from './seams/users-seam.ts';

/** What the node hears of a front. */
export interface FrontProcessEvents {
  /** Attach the node's methods before the front is told to start. */
  readonly onSeam: (seam: Seam) => void;
  /** Everything one chunk held was handed over. */
  readonly onBatchEnd: () => void;
  /** The front ended without being asked to. */
  readonly onLost: () => void;
}

/** What a front is told before it starts. */
export interface FrontTold {
  readonly view: () => ViewPush;
  /** Whom the cluster shuts out. */
  readonly denied: () => readonly DeniedRecord[];
  /** When the node's own certificates end. */
  readonly certificates: () => readonly CertificateEnd[];
}

/** One front process. */
export interface FrontProcess {
  readonly pid: number;
  readonly seam: Seam;
  push(view: ViewPush): void;
  /** Reads certificates anew; says what changed. */
  reload(): Promise<string>;
  /** Takes the users of this text, or keeps those it has. */
  replaceUsers(text: string): Promise<UsersReply>;
  /** Running requests finish, new ones are refused; then the process ends, at last by force. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts a front and lets it listen.
 *
 * @throws CodedError `config_invalid`, `address_in_use` and the like, as the front reported
 */
export const startFrontProcess = async (
  start: FrontStart,
  handle: ListeningHandle,
  told: FrontTold,
  events: FrontProcessEvents,
  child = spawnFront(),
): Promise<FrontProcess> => {
  let running = false;
  const seam = new Seam(child.stream, {
    frameBytesMax,
    onBatchEnd: events.onBatchEnd,
    onClose: () => {
      if (!running) return;
      running = false;
      child.kill();
      events.onLost();
    },
  });
  events.onSeam(seam);
  seam.notify(pushView, told.view());
  seam.notify(pushDenied, told.denied());
  seam.notify(pushCertificates, told.certificates());
  child.process.send('listen', handle.forChild());
  const answer = await seam.ask(startFront, start).catch((cause: unknown) => {
    throw new CodedError('internal', 'the front process ended while it started', {
      cause,
      hint: 'Its own message stands above in the log.',
    });
  });
  if (answer.code !== '') {
    child.kill();
    throw new CodedError(answer.code, answer.message, { hint: answer.hint });
  }
  running = true;
  return {
    pid: child.pid,
    seam,
    push: (next) => seam.notify(pushView, next),
    replaceUsers: (text) => seam.ask(replaceUsers, { text }),
    reload: async () => (await seam.ask(reloadFront, undefined)).report,
    stop: async (graceMs) => {
      running = false;
      const timer = setTimeout(() => child.kill(), graceMs);
      await seam.ask(drainFront, undefined).catch(() => undefined);
      child.kill();
      await child.ended;
      clearTimeout(timer);
    },
  };
};
