// InstallSnapshot at the receiver (dissertation 5). The image is already on this node's disk,
// beside the database in use; here it is decided whether the log starts anew behind it.
import { invariant } from '#invariant.ts';
import { followLeader } from './follow-leader.ts';
import { indexAfter } from './log-index.ts';
import type { Snapshot } from './message.ts';
import { retractAcknowledgements } from './outbox.ts';
import { type RaftState, send } from './raft-state.ts';

/**
 * Adopts the image if it holds more than what is committed here. What it holds is committed, and
 * that does not expire: an image whose transfer outlived its sender's office is adopted all the
 * same.
 */
export const receiveSnapshot = (state: RaftState, message: Snapshot): void => {
  invariant(message.term <= state.term, 'a later term was entered before');
  const isLate = message.term < state.term;
  if (isLate ? state.role.kind !== 'follower' : !followLeader(state, message)) return;
  adoptImage(state, message);
  send(state, {
    kind: 'append-reply',
    from: state.self,
    to: message.from,
    term: state.term,
    accepted: true,
    matchIndex: state.commitIndex,
  });
};

const adoptImage = (state: RaftState, message: Snapshot): void => {
  const { index, indexTerm, membership } = message;
  if (index <= state.commitIndex) return;
  if (state.log.matches(index, indexTerm)) {
    // The log holds the image's last entry, and so all before it: it need only be applied.
    state.commitIndex = index;
    return;
  }
  // Entries behind a conflict with a committed one cannot be committed, so none is lost here.
  state.log.restartBehind(index, indexTerm);
  state.persistence.restartedBehind(index, indexTerm);
  retractAcknowledgements(state.outbox, indexAfter(index));
  state.history.restart({ index, membership });
  state.commitIndex = index;
  state.appliedIndex = index;
};
