// What the driver reports: its disk, its database and its network. A report that contradicts the
// contract of ready.ts is a fault of this program and stops it.
import { invariant } from '#invariant.ts';
import { maybeCommit } from './commit.ts';
import { countOwnVote } from './election.ts';
import type { Entry } from './entry.ts';
import { takeLoaded } from './entry-loads.ts';
import { indexAfter, type LogIndex } from './log-index.ts';
import type { NodeId } from './node-id.ts';
import { becomeProbe, probeSent } from './progress.ts';
import type { RaftState } from './raft-state.ts';
import { maybeAskToCampaign } from './transfer.ts';

/**
 * The batches up to `sequence` are on disk: the own vote and the own entries count (3.8, 10.2.1).
 */
export const reportDurable = (state: RaftState, sequence: number): void => {
  state.persistence.settle(sequence);
  countOwnVote(state);
  if (state.role.kind === 'leader') maybeCommit(state, state.role);
};

/** Entries up to `index` are applied; the configurations before are needed no longer. */
export const reportApplied = (state: RaftState, index: LogIndex): void => {
  // A database that is being replaced by an image may still report what it applied before.
  if (index <= state.appliedIndex) return;
  invariant(index <= state.commitIndexTold, 'only what was handed out is applied');
  state.appliedIndex = index;
  state.history.forgetBefore(index);
};

/** The answer to a request for entries. */
export const reportLoaded = (state: RaftState, entries: readonly Entry[]): void => {
  if (state.role.kind === 'leader') takeLoaded(state.role.loads, state.log, entries);
};

/** The log on disk begins behind `index`. */
export const reportTrimmed = (state: RaftState, index: LogIndex): void => {
  // An image that was just adopted starts the log behind it, whatever the old one still holds.
  if (index <= state.log.trimmedIndex) return;
  invariant(index <= state.appliedIndex, 'only applied entries are trimmed');
  invariant(index <= state.persistence.durableIndex, 'only durable entries are trimmed');
  state.log.trimThrough(index);
};

/** Messages to the node are being lost: nothing is sent ahead until it answers again. */
export const reportUnreachable = (state: RaftState, node: NodeId): void => {
  if (state.role.kind !== 'leader') return;
  const progress = state.role.progress.get(node);
  if (progress?.state === 'replicate') becomeProbe(progress);
};

/** Whether the node's database stands still behind its log: then leadership is not for it. */
export const reportStalled = (state: RaftState, node: NodeId, isStalled: boolean): void => {
  if (state.role.kind !== 'leader') return;
  const progress = state.role.progress.get(node);
  if (progress === undefined) return;
  progress.isStalled = isStalled;
  maybeAskToCampaign(state, state.role);
};

/**
 * The image for the node is delivered (then its answer tells what it adopted) or cannot be (then it
 * is asked for again at the next sign of life).
 */
export const reportSnapshot = (state: RaftState, node: NodeId, sent: boolean): void => {
  if (state.role.kind !== 'leader') return;
  const progress = state.role.progress.get(node);
  if (progress?.state !== 'snapshot') return;
  if (!sent) progress.pendingSnapshot = progress.match;
  becomeProbe(progress);
  // The next message waits for the node's answer to the image, or for its answer to a heartbeat.
  probeSent(progress, indexAfter(progress.next, -1));
};
