// A leader's appends and heartbeats (dissertation 3.5, 10.2.1). Appends are made once a turn, when
// the driver takes a Ready: all proposals of the turn share one message per follower.
import { invariant } from '#invariant.ts';
import { followMembers } from './adopt-configuration.ts';
import type { Entry } from './entry.ts';
import { loadedFrom } from './entry-loads.ts';
import { earlierOf, indexAfter, type LogIndex } from './log-index.ts';
import { entryBytes } from './log-view.ts';
import type { NodeId } from './node-id.ts';
import {
  becomeProbe,
  becomeSnapshot,
  entriesSent,
  isPaused,
  type Progress,
  probeSent,
} from './progress.ts';
import { type Leading, membershipOf, type RaftState, send } from './raft-state.ts';
import { readContextNow } from './read-index.ts';

/** Sends every follower what it may be sent now. Does nothing when all are up to date. */
export const replicate = (state: RaftState, role: Leading): void => {
  for (const [node, progress] of role.progress) sendWhatIsDue(state, role, node, progress);
  if (!role.membersDue) return;
  // Former members were just told of the commit that removed them, if anything could be sent.
  role.membersDue = false;
  followMembers(state, role);
};

const sendWhatIsDue = (state: RaftState, role: Leading, node: NodeId, progress: Progress): void => {
  // What is in flight may be lost, and what is behind it trimmed: begin again at what is known.
  if (progress.askAgain && isTrimmed(state, progress)) becomeProbe(progress);
  while (!isPaused(progress, state.options)) {
    if (isTrimmed(state, progress)) {
      requestSnapshot(state, node, progress);
      return;
    }
    const entries = entriesFor(state, role, progress.next);
    if (progress.state === 'probe') {
      sendAppend(state, node, progress, entries);
      probeSent(progress, indexAfter(progress.next, entries.length - 1));
      return;
    }
    if (entries.length === 0) break;
    sendAppend(state, node, progress, entries);
  }
  const isBehindInCommit = progress.commitSent < state.commitIndex;
  const mayTell = progress.state === 'replicate' && !isPaused(progress, state.options);
  if (progress.askAgain || (isBehindInCommit && mayTell)) sendAppend(state, node, progress, []);
};

/** Whether the entry before the follower's next is not known any more. */
const isTrimmed = (state: RaftState, progress: Progress): boolean =>
  indexAfter(progress.next, -1) < state.log.trimmedIndex;

/** Entries from `next`, as many as one append holds; none when there are none or none in memory. */
const entriesFor = (state: RaftState, role: Leading, next: LogIndex): readonly Entry[] => {
  const { lastIndex } = state.log;
  if (next > lastIndex) return [];
  const { appendBytesMax } = state.options;
  return (
    state.log.slice(next, lastIndex, appendBytesMax) ??
    loadedFrom(role.loads, next, appendBytesMax) ??
    []
  );
};

const sendAppend = (
  state: RaftState,
  node: NodeId,
  progress: Progress,
  entries: readonly Entry[],
): void => {
  const prevIndex = indexAfter(progress.next, -1);
  const prevTerm = state.log.termAt(prevIndex);
  invariant(prevTerm !== undefined, 'the term before the entries that are sent is known');
  const last = entries.at(-1);
  if (last !== undefined) {
    let bytes = 0;
    for (const entry of entries) bytes += entryBytes(entry);
    entriesSent(progress, last.index, bytes);
  }
  progress.commitSent = state.commitIndex;
  progress.askAgain = false;
  send(state, {
    kind: 'append',
    from: state.self,
    to: node,
    term: state.term,
    prevIndex,
    prevTerm,
    entries,
    commitIndex: state.commitIndex,
  });
};

/**
 * The follower's next entry is trimmed: it needs an image (5). One that was not heard lately would
 * not take it, so it is asked for when there is a sign of life.
 */
const requestSnapshot = (state: RaftState, node: NodeId, progress: Progress): void => {
  if (!progress.recentlyActive) return;
  const index = state.appliedIndex;
  const indexTerm = state.log.termAt(index);
  invariant(indexTerm !== undefined, 'the term of the applied entry is known');
  invariant(index >= progress.next - 1, 'an image holds what is trimmed');
  becomeSnapshot(progress, index);
  state.outbox.snapshotRequests.push({
    to: node,
    message: {
      kind: 'snapshot',
      from: state.self,
      to: node,
      term: state.term,
      index,
      indexTerm,
      membership: state.history.at(index).membership,
    },
  });
};

/**
 * A sign of life for one follower. It tells of no commit beyond what the follower acknowledged: the
 * rest of its log may still be another leader's.
 */
const sendHeartbeat = (state: RaftState, role: Leading, node: NodeId, progress: Progress): void => {
  const { match } = progress;
  send(state, {
    kind: 'heartbeat',
    from: state.self,
    to: node,
    term: state.term,
    commitIndex: earlierOf(match, state.commitIndex),
    readContext: readContextNow(role),
  });
};

/** A sign of life for every follower, due every `heartbeatTicks`. */
export const sendHeartbeats = (state: RaftState, role: Leading): void => {
  for (const [node, progress] of role.progress) sendHeartbeat(state, role, node, progress);
};

/** A read-index round asks those whose answers count (6.4). */
export const sendReadHeartbeats = (state: RaftState, role: Leading): void => {
  const { voters, votersOutgoing } = membershipOf(state);
  for (const [node, progress] of role.progress) {
    if (voters.includes(node) || votersOutgoing.includes(node)) {
      sendHeartbeat(state, role, node, progress);
    }
  }
};
