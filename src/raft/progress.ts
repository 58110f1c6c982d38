// A leader's view of one follower: what it has, what is sent next, what is on its way. Three
// states:
//
//  probe      the point where the logs meet is not known: one message, then wait for its answer
//  replicate  it is known: entries are sent ahead of the answers, within the in-flight window
//  snapshot   the next entry is no longer in the log: nothing is sent until the image is over
import { invariant } from '#invariant.ts';
import { earlierOf, indexAfter, indexZero, type LogIndex, laterOf } from './log-index.ts';
import type { NodeId } from './node-id.ts';

/** What the in-flight window may hold. */
export interface WindowBounds {
  readonly inFlightMessagesMax: number;
  readonly inFlightBytesMax: number;
}

/** Appends with entries that are not answered yet, oldest first. */
interface InFlight {
  readonly lastIndex: LogIndex;
  readonly bytes: number;
}

/** One follower's progress; changed by the functions below and by nobody else. */
export interface Progress {
  state: 'probe' | 'replicate' | 'snapshot';
  /** The follower's log is known to match, durably, up to here (dissertation 3.5). */
  match: LogIndex;
  /** The next entry to send; always behind `match`. */
  next: LogIndex;
  /** A probe is on its way: wait for its answer or for the next sign of life. */
  probeSent: boolean;
  /**
   * The last entry that the probe on its way carries, or the one before `next` if it carries none.
   */
  probeEnd: LogIndex;
  /** State `snapshot`: the image that was asked for reaches to here. */
  pendingSnapshot: LogIndex;
  inFlight: InFlight[];
  /**
   * Messages that may be in flight now, if fewer than the bound: one after a rejection, one more
   * with each acknowledgement. On a network that reorders, a full window sent after each rejection
   * would bring as many rejections again, without end.
   */
  window: number;
  inFlightBytes: number;
  /** Heard since the last check of the quorum (6.2). */
  recentlyActive: boolean;
  /** The commit index that the follower was told last. */
  commitSent: LogIndex;
  /** Ask with an empty append whether what is in flight arrived, even if the window is full. */
  askAgain: boolean;
  /** `match` at the last sign of life: no advance since then means that appends were lost. */
  matchAtHeartbeat: LogIndex;
  /** The latest read-index round that the follower answered (6.4). */
  readRound: number;
  /** The follower lost entries that it had acknowledged; the alarm was raised. */
  hasLostLog: boolean;
  /** The driver says that its database does not keep up with its log: it is to lead nobody. */
  isStalled: boolean;
}

/** The progress of a follower of which nothing is known yet. */
const createProgress = (next: LogIndex, recentlyActive: boolean): Progress => ({
  state: 'probe',
  match: indexZero,
  next,
  probeSent: false,
  probeEnd: indexZero,
  pendingSnapshot: indexZero,
  inFlight: [],
  window: Number.POSITIVE_INFINITY,
  inFlightBytes: 0,
  recentlyActive,
  commitSent: indexZero,
  askAgain: false,
  matchAtHeartbeat: indexZero,
  readRound: 0,
  hasLostLog: false,
  isStalled: false,
});

/**
 * Adds progress for new members and drops that of nodes which are members no more.
 *
 * @param isActive whether the new ones count as heard of until the next check of the quorum
 */
export const reconcileProgress = (
  progress: Map<NodeId, Progress>,
  members: readonly NodeId[],
  next: LogIndex,
  isActive: boolean,
): void => {
  for (const node of progress.keys()) if (!members.includes(node)) progress.delete(node);
  for (const node of members)
    if (!progress.has(node)) progress.set(node, createProgress(next, isActive));
};

const forgetInFlight = (progress: Progress): void => {
  progress.inFlight = [];
  progress.inFlightBytes = 0;
  progress.askAgain = false;
};

/** Where the logs meet is open (again): one message at a time, from behind what is known. */
export const becomeProbe = (progress: Progress): void => {
  const afterSnapshot = progress.state === 'snapshot' ? progress.pendingSnapshot : indexZero;
  progress.next = indexAfter(laterOf(progress.match, afterSnapshot));
  progress.state = 'probe';
  progress.probeSent = false;
  progress.probeEnd = indexAfter(progress.next, -1);
  progress.pendingSnapshot = indexZero;
  forgetInFlight(progress);
};

/** The logs are known to meet at `match`. */
export const becomeReplicate = (progress: Progress): void => {
  progress.state = 'replicate';
  progress.next = indexAfter(progress.match);
  progress.probeSent = false;
  progress.pendingSnapshot = indexZero;
  forgetInFlight(progress);
};

/** The follower waits for an image that reaches to `index`. */
export const becomeSnapshot = (progress: Progress, index: LogIndex): void => {
  invariant(index >= progress.match, 'an image never falls behind what a follower has');
  progress.state = 'snapshot';
  progress.pendingSnapshot = index;
  progress.probeSent = false;
  forgetInFlight(progress);
};

/** Whether nothing may be sent to the follower now. */
export const isPaused = (progress: Progress, bounds: WindowBounds): boolean => {
  if (progress.state === 'snapshot') return true;
  if (progress.state === 'probe') return progress.probeSent;
  return (
    progress.inFlight.length >= Math.min(progress.window, bounds.inFlightMessagesMax) ||
    progress.inFlightBytes >= bounds.inFlightBytesMax
  );
};

/** An append with entries up to `lastIndex` leaves for the follower. */
export const entriesSent = (progress: Progress, lastIndex: LogIndex, bytes: number): void => {
  invariant(progress.state !== 'snapshot', 'a follower that waits for an image is sent no entries');
  invariant(lastIndex >= progress.next, 'entries in flight ascend');
  if (progress.state === 'probe') return;
  progress.next = indexAfter(lastIndex);
  progress.inFlight.push({ lastIndex, bytes });
  progress.inFlightBytes += bytes;
};

/** A probe leaves, with entries up to `end`: nothing more is sent until it is answered. */
export const probeSent = (progress: Progress, end: LogIndex): void => {
  invariant(progress.state === 'probe', 'a probe is sent in state probe');
  progress.probeSent = true;
  progress.probeEnd = end;
};

/**
 * The follower has the leader's log up to `index`. Returns whether that was news.
 */
export const acknowledge = (progress: Progress, index: LogIndex): boolean => {
  const news = index > progress.match;
  if (news) {
    progress.match = index;
    progress.window += 1;
  }
  if (progress.next <= index) progress.next = indexAfter(index);
  const answered = progress.inFlight.findIndex((sent) => sent.lastIndex > index);
  const gone = progress.inFlight.splice(0, answered < 0 ? progress.inFlight.length : answered);
  for (const sent of gone) progress.inFlightBytes -= sent.bytes;
  invariant(progress.inFlightBytes >= 0, 'the bytes in flight are never negative');
  invariant(progress.next > progress.match, 'what is sent next is behind what is acknowledged');
  return news;
};

/**
 * The follower does not have the entry at `rejected`; `meetAt` is where the logs may meet. Returns
 * whether the answer was news: an answer to an older message tells nothing (3.5).
 */
export const retreat = (progress: Progress, rejected: LogIndex, meetAt: LogIndex): boolean => {
  if (progress.state === 'snapshot') return false;
  if (progress.state === 'replicate') {
    if (rejected <= progress.match) return false;
    becomeProbe(progress);
    progress.window = 1;
    return true;
  }
  if (progress.next !== rejected + 1) return false;
  // Behind the entry to try next, at least one back from the last, never at what is acknowledged.
  progress.next = laterOf(earlierOf(indexAfter(meetAt), rejected), indexAfter(progress.match));
  progress.probeSent = false;
  progress.probeEnd = indexAfter(progress.next, -1);
  return true;
};
