// Everything the core remembers, as one record that the functions of the protocol change. What only
// a role needs lives in that role, so a follower has no progress table and a leader no votes.

import { invariant, unreachable } from '#invariant.ts';
import { membershipProblem } from './configuration.ts';
import type { EntryLoads } from './entry-loads.ts';
import type { HardState } from './hard-state.ts';
import type { LogIndex } from './log-index.ts';
import { laterOf } from './log-index.ts';
import { createLogView, type LogView } from './log-view.ts';
import type { Membership } from './membership.ts';
import { createMembershipHistory, type MembershipHistory } from './membership-history.ts';
import type { Message } from './message.ts';
import type { NodeId } from './node-id.ts';
import { createOutbox, enqueue, type Outbox } from './outbox.ts';
import { createPersistence, type Persistence } from './persistence.ts';
import type { Progress } from './progress.ts';
import type { RaftOptions, RaftStart } from './raft.ts';
import type { Reads } from './read-index.ts';
import type { SoftState } from './ready.ts';
import type { Term } from './term.ts';

/** Follows, or waits for somebody to follow. */
export interface Following {
  readonly kind: 'follower';
  readonly leader: NodeId | undefined;
}

/** Asks for votes, or (pre-candidate, 9.6) whether it would get them. */
export interface Campaigning {
  readonly kind: 'pre-candidate' | 'candidate';
  readonly votes: Map<NodeId, boolean>;
}

/** Hands its office to `to` (3.10). */
export interface Transfer {
  readonly to: NodeId;
  elapsedTicks: number;
  asked: boolean;
}

/** Leads. Everything here ends with the office. */
export interface Leading {
  readonly kind: 'leader';
  /** The first entry of the term: nothing is served before it is committed (3.6.2, 6.4). */
  readonly barrierIndex: LogIndex;
  /** Every follower that is sent the log, by name. */
  readonly progress: Map<NodeId, Progress>;
  /** Nodes that are members no more are still to be told of the commit, then forgotten. */
  membersDue: boolean;
  readonly reads: Reads;
  readonly loads: EntryLoads;
  /** Bytes of own entries that are not committed yet. */
  uncommittedBytes: number;
  transfer: Transfer | undefined;
  heartbeatElapsedTicks: number;
}

/** The whole state. */
export interface RaftState {
  readonly options: RaftOptions;
  readonly self: NodeId;
  readonly log: LogView;
  readonly history: MembershipHistory;
  readonly persistence: Persistence;
  readonly outbox: Outbox;
  term: Term;
  votedFor: NodeId | undefined;
  commitIndex: LogIndex;
  appliedIndex: LogIndex;
  role: Following | Campaigning | Leading;
  /** Ticks since the leader was heard, the campaign began, or (leading) the quorum was checked. */
  electionElapsedTicks: number;
  /** This round's time-out, drawn anew each time (3.4). */
  electionTimeoutTicks: number;
  /** The term in which the loss of acknowledged entries was last reported. */
  lostLogTerm: Term | undefined;
  softState: SoftState;
  /** What the last Ready told, so that the next tells news only. */
  softStateTold: SoftState | undefined;
  commitIndexTold: LogIndex;
}

const checkOptions = (options: RaftOptions): void => {
  const { electionTicks, heartbeatTicks } = options;
  invariant(
    Number.isSafeInteger(heartbeatTicks) && heartbeatTicks >= 1,
    'a heartbeat takes a tick',
  );
  invariant(
    Number.isSafeInteger(electionTicks) && electionTicks > heartbeatTicks,
    'an election takes longer than a heartbeat',
  );
  invariant(options.appendBytesMax > 0, 'an append may hold an entry');
  invariant(options.inFlightMessagesMax >= 1, 'one append at least may be in flight');
  invariant(options.inFlightBytesMax > 0, 'one entry at least may be in flight');
  invariant(options.uncommittedBytesMax > 0, 'one proposal at least may be uncommitted');
  invariant(options.cachedBytesMax >= 0, 'a cache has a size');
};

/** The state of a node that starts, a follower of nobody (3.8: it remembers term, vote and log). */
export const createRaftState = (options: RaftOptions, start: RaftStart): RaftState => {
  checkOptions(options);
  const { hardState } = start;
  const log = createLogView({ ...start, cachedBytesMax: options.cachedBytesMax });
  invariant(start.trimmedIndex <= start.appliedIndex, 'only applied entries are trimmed');
  invariant(
    start.appliedIndex <= start.lastIndex,
    'the log holds what is applied, or begins there',
  );
  invariant(hardState.commitIndex <= start.lastIndex, 'the log holds what is committed');
  // A write that tore may have kept an entry and lost the hard state behind it. The entry proves
  // the term; no vote in it left this node, since the answer would have waited for that very write
  // (3.8).
  const isTorn = log.lastTerm > hardState.term;
  const history = createMembershipHistory({
    index: start.appliedIndex,
    membership: start.membership,
  });
  for (const entry of start.configurationEntries) {
    invariant(entry.kind === 'configuration', 'a configuration entry holds a configuration');
    invariant(entry.index <= start.lastIndex, 'a configuration entry is in the log');
    const { membership } = options.configurationCodec.decode(entry.data);
    invariant(membershipProblem(membership) === undefined, 'the log holds valid configurations');
    history.append({ index: entry.index, membership });
  }
  // What is applied is committed, even if the hint on disk lags behind (3.8).
  const commitIndex = laterOf(hardState.commitIndex, start.appliedIndex);
  return {
    options,
    self: options.self,
    log,
    history,
    persistence: createPersistence(start.lastIndex, { ...hardState, commitIndex }),
    outbox: createOutbox(),
    term: isTorn ? log.lastTerm : hardState.term,
    votedFor: isTorn ? undefined : hardState.votedFor,
    commitIndex,
    appliedIndex: start.appliedIndex,
    role: { kind: 'follower', leader: undefined },
    electionElapsedTicks: 0,
    electionTimeoutTicks: drawElectionTimeout(options),
    softState: { role: 'follower', term: hardState.term, leader: undefined },
    lostLogTerm: undefined,
    softStateTold: undefined,
    commitIndexTold: start.appliedIndex,
  };
};

/** What holds between any two inputs, whatever they were; checked with every Ready. */
export const checkState = (state: RaftState): void => {
  const { log, persistence, role } = state;
  invariant(state.appliedIndex <= state.commitIndex, 'only committed entries are applied');
  invariant(state.commitIndex <= log.lastIndex, 'the log holds what is committed');
  invariant(log.trimmedIndex <= state.appliedIndex, 'only applied entries are trimmed');
  invariant(log.lastTerm <= state.term, 'no entry is from a later term than the present one');
  invariant(persistence.handedIndex <= log.lastIndex, 'the disk is handed entries of the log only');
  invariant(persistence.durable.term <= state.term, 'the disk knows no later term');
  invariant(
    state.history.latest.index <= log.lastIndex,
    'the configuration in force is in the log',
  );
  if (role.kind === 'follower') return;
  if (role.kind !== 'leader') {
    invariant(role.votes.size > 0 || role.kind === 'candidate', 'a rehearsal has the own consent');
    return;
  }
  invariant(role.barrierIndex <= log.lastIndex, 'an office begins with its barrier');
  invariant(!role.progress.has(state.self), 'a leader does not follow itself');
  for (const progress of role.progress.values()) {
    invariant(progress.match <= log.lastIndex, 'nobody has more than the leader');
    invariant(progress.next > progress.match, 'what is sent next is behind what is acknowledged');
    invariant(progress.next <= log.lastIndex + 1, 'what is sent next is in the log or its end');
    invariant(
      progress.inFlight.length === 0 || progress.state === 'replicate',
      'only a follower where the logs meet is sent entries ahead',
    );
  }
};

/** A time-out from `electionTicks` to `2 * electionTicks - 1`, so that votes rarely split (3.4). */
export const drawElectionTimeout = (options: RaftOptions): number => {
  const drawn = options.random(options.electionTicks);
  invariant(
    Number.isSafeInteger(drawn) && drawn >= 0 && drawn < options.electionTicks,
    'a random number is from 0 to below the bound that was asked for',
  );
  return options.electionTicks + drawn;
};

/** The leader that this node knows in its term: itself while it leads. */
export const leaderOf = (state: RaftState): NodeId | undefined => {
  switch (state.role.kind) {
    case 'follower':
      return state.role.leader;
    case 'leader':
      return state.self;
    case 'pre-candidate':
    case 'candidate':
      return undefined;
    default:
      return unreachable(state.role);
  }
};

/** The configuration in force: the latest in the log (4.1). */
export const membershipOf = (state: RaftState): Membership => state.history.latest.membership;

/** What must be on disk before others hear of it. */
export const hardStateOf = (state: RaftState): HardState => ({
  term: state.term,
  votedFor: state.votedFor,
  commitIndex: state.commitIndex,
});

/** Sends a message at the next Ready, before or after the sync as its kind demands. */
export const send = (state: RaftState, message: Message): void => {
  invariant(message.from === state.self, 'a node sends in its own name');
  invariant(message.to !== state.self, 'a node sends itself nothing');
  enqueue(state.outbox, message, state.persistence.durable.term === state.term);
};

/** The soft state, the same object until something in it changes. */
export const currentSoftState = (state: RaftState): SoftState => {
  const { softState } = state;
  const leader = leaderOf(state);
  const isCurrent =
    softState.role === state.role.kind &&
    softState.term === state.term &&
    softState.leader === leader;
  if (!isCurrent) state.softState = { role: state.role.kind, term: state.term, leader };
  return state.softState;
};
