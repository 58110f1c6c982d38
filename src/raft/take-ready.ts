// Makes the Ready of a turn out of everything that waits. The contract is in ready.ts.

import { invariant } from '#invariant.ts';
import { hasLoadRequests, takeLoadRequests } from './entry-loads.ts';
import type { LogIndex } from './log-index.ts';
import { earlierOf, laterOf } from './log-index.ts';
import type { Message } from './message.ts';
import { checkState, currentSoftState, hardStateOf, type RaftState } from './raft-state.ts';
import { finishReadRounds, startReadRound } from './read-index.ts';
import type { Ready } from './ready.ts';
import { replicate, sendReadHeartbeats } from './replication.ts';

/** Ends the turn of a leader: its reads begin a round, its followers are sent what is due. */
const endTurn = (state: RaftState): void => {
  const { role } = state;
  if (role.kind !== 'leader') return;
  if (startReadRound(state, role)) sendReadHeartbeats(state, role);
  // Without an answer too: a leader alone is its own quorum, and where a voter that is gone was
  // removed the answers that are there may be enough.
  finishReadRounds(state, role);
  replicate(state, role);
};

/** What may be applied: committed, and on this very disk. Never goes back. */
const applicableIndex = (state: RaftState): LogIndex => {
  const { durableIndex } = state.persistence;
  return laterOf(state.commitIndexTold, earlierOf(durableIndex, state.commitIndex));
};

/** Whether messages that rest on the disk may be handed out although nothing new is written. */
const restsOnNothing = (state: RaftState): boolean => state.persistence.isIdle;

/** Whether `takeReady` would have something to tell. */
export const hasReady = (state: RaftState): boolean => {
  endTurn(state);
  const { outbox } = state;
  return (
    outbox.messagesNow.length > 0 ||
    state.persistence.isOwed(state.log, hardStateOf(state)) ||
    (outbox.messagesAfterSync.length > 0 && restsOnNothing(state)) ||
    currentSoftState(state) !== state.softStateTold ||
    applicableIndex(state) > state.commitIndexTold ||
    outbox.readStates.length > 0 ||
    outbox.snapshotRequests.length > 0 ||
    outbox.alarms.length > 0 ||
    (state.role.kind === 'leader' && hasLoadRequests(state.role.loads))
  );
};

/** Everything that the driver owes for the turn. */
export const takeReady = (state: RaftState): Ready => {
  endTurn(state);
  checkState(state);
  const { outbox, persistence, log } = state;
  const hardState = hardStateOf(state);
  const batch = persistence.isOwed(log, hardState) ? persistence.take(log, hardState) : undefined;
  const softState = currentSoftState(state);
  const commitIndex = applicableIndex(state);
  invariant(commitIndex <= state.commitIndex, 'only what is committed may be applied');
  const ready: Ready = {
    sequence: persistence.sequence,
    truncateFrom: batch?.truncateFrom,
    entries: batch?.entries ?? [],
    hardState: batch?.hardState,
    snapshot: batch?.snapshot,
    mustSync: batch !== undefined,
    messagesNow: outbox.messagesNow,
    messagesAfterSync: takeMessagesAfterSync(state, batch !== undefined),
    commitIndex,
    softState,
    readStates: outbox.readStates,
    loads:
      state.role.kind === 'leader'
        ? takeLoadRequests(state.role.loads, state.options.appendBytesMax)
        : [],
    snapshotRequests: outbox.snapshotRequests,
    alarms: outbox.alarms,
  };
  outbox.messagesNow = [];
  outbox.readStates = [];
  outbox.snapshotRequests = [];
  outbox.alarms = [];
  state.softStateTold = softState;
  state.commitIndexTold = commitIndex;
  evict(state);
  return ready;
};

/**
 * Messages that rest on the disk leave with a batch, whose sync they then wait for, or when nothing
 * is under way. In between they stay here: an earlier batch may hold what they rest on.
 */
const takeMessagesAfterSync = (state: RaftState, withBatch: boolean): readonly Message[] => {
  if (!withBatch && !restsOnNothing(state)) return [];
  const messages = state.outbox.messagesAfterSync;
  state.outbox.messagesAfterSync = [];
  return messages;
};

/** Uncommitted entries and entries not yet handed to the disk stay in memory. */
const evict = (state: RaftState): void => {
  const { handedIndex } = state.persistence;
  state.log.evict(earlierOf(handedIndex, state.commitIndex));
};
