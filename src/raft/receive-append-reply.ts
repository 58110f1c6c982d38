// The answer to an append at the leader (dissertation 3.5).
import { invariant } from '#invariant.ts';
import { maybeCommit } from './commit.ts';
import { indexZero } from './log-index.ts';
import type { AppendReply } from './message.ts';
import { raise } from './outbox.ts';
import { acknowledge, becomeReplicate, type Progress, retreat } from './progress.ts';
import type { Leading, RaftState } from './raft-state.ts';
import { maybeAskToCampaign } from './transfer.ts';

/** Notes what the follower has, or where to look for the point at which the logs meet. */
export const receiveAppendReply = (state: RaftState, message: AppendReply): void => {
  invariant(message.term === state.term, 'an answer is to a message of its own term');
  const { role } = state;
  if (role.kind !== 'leader') return;
  const progress = role.progress.get(message.from);
  if (progress === undefined) return;
  progress.recentlyActive = true;
  if (message.accepted) accepted(state, role, progress, message);
  else rejected(state, progress, message);
};

const accepted = (
  state: RaftState,
  role: Leading,
  progress: Progress,
  message: AppendReply & { readonly accepted: true },
): void => {
  const { matchIndex, from } = message;
  if (matchIndex > state.log.lastIndex) {
    // In its own term a leader's log only grows: nobody can match more of it than there is.
    const reason = 'it acknowledges entries that the leader does not have';
    raise(state.outbox, { kind: 'malformed-message', node: from, reason });
    return;
  }
  const isNews = acknowledge(progress, matchIndex);
  // Only the answer to the probe itself: a late answer to something older would set off a burst of
  // appends each time, and their answers further bursts.
  const meets = progress.state === 'probe' && matchIndex >= progress.probeEnd;
  const hasImage = progress.state === 'snapshot' && progress.match >= state.log.trimmedIndex;
  if (meets || (isNews && hasImage)) becomeReplicate(progress);
  if (!isNews) return;
  maybeCommit(state, role);
  // Committing may have ended the office.
  if (state.role === role) maybeAskToCampaign(state, role);
};

const rejected = (
  state: RaftState,
  progress: Progress,
  message: AppendReply & { readonly accepted: false },
): void => {
  if (message.hintIndex > message.lastIndex) {
    noteLostLog(state, progress, message);
    return;
  }
  const { log } = state;
  // The follower's hint, moved back to where this log could hold the same entry (3.5).
  const meetAt = log.lastAtMost(message.hintIndex, message.hintTerm) ?? indexZero;
  retreat(progress, message.rejectedIndex, meetAt);
};

/**
 * The follower lacks committed entries that it had acknowledged (see receive-heartbeat.ts). `match`
 * is not lowered: what was counted on its word stays counted, and its disk needs a person.
 */
const noteLostLog = (
  state: RaftState,
  progress: Progress,
  { from, rejectedIndex, lastIndex }: AppendReply & { readonly accepted: false },
): void => {
  if (rejectedIndex <= lastIndex || rejectedIndex > progress.match || progress.hasLostLog) return;
  progress.hasLostLog = true;
  const acknowledged = rejectedIndex;
  raise(state.outbox, { kind: 'acknowledged-entries-lost', node: from, acknowledged, lastIndex });
};
