// Linearizable reads without a log entry (dissertation 6.4). The leader notes its commit index,
// then hears from a quorum in its own term: until then no later leader can have committed more.
// Reads that arrive in one turn share a round; a round's number travels in heartbeats, and an
// answer to a later round confirms the earlier ones too.
import { invariant } from '#invariant.ts';
import { readRoundsInFlightMax, readsWaitingMax } from './bounds.ts';
import { indexZero, type LogIndex } from './log-index.ts';
import { quorumReached } from './quorum.ts';
import { type Leading, leaderOf, membershipOf, type RaftState } from './raft-state.ts';
import type { Refusal } from './ready.ts';

interface ReadRound {
  readonly number: number;
  readonly index: LogIndex;
  readonly contexts: readonly number[];
}

/** A leader's reads. */
export interface Reads {
  /** Reads that arrived since the last round began. */
  waiting: number[];
  /** Rounds under way, oldest first. */
  rounds: ReadRound[];
  lastRound: number;
  /** Reads in all rounds under way. */
  underWay: number;
}

/** No reads. */
export const createReads = (): Reads => ({ waiting: [], rounds: [], lastRound: 0, underWay: 0 });

/** Takes a read into the next round (6.4, step 1: only with an entry of the own term committed). */
export const readIndex = (state: RaftState, context: number): Refusal | undefined => {
  const { role } = state;
  if (role.kind !== 'leader') return { kind: 'not-leader', leader: leaderOf(state) };
  if (state.commitIndex < role.barrierIndex) return { kind: 'no-entry-of-own-term-committed' };
  if (role.reads.waiting.length + role.reads.underWay >= readsWaitingMax) {
    return { kind: 'invalid', reason: 'too many reads wait for a quorum' };
  }
  role.reads.waiting.push(context);
  return undefined;
};

/**
 * Begins a round for the reads that wait. The caller then sends heartbeats with its number, so
 * every answer is to something sent after the reads arrived. Returns whether a round began.
 */
export const startReadRound = (state: RaftState, role: Leading): boolean => {
  const { reads } = role;
  if (reads.waiting.length === 0 || reads.rounds.length >= readRoundsInFlightMax) return false;
  reads.lastRound += 1;
  reads.rounds.push({
    number: reads.lastRound,
    index: state.commitIndex,
    contexts: reads.waiting,
  });
  reads.underWay += reads.waiting.length;
  reads.waiting = [];
  return true;
};

/** The number that heartbeats carry: the latest round's while any is under way, else 0. */
export const readContextNow = (role: Leading): number =>
  role.reads.rounds.length === 0 ? 0 : role.reads.lastRound;

/** Ends the rounds that a quorum of the configuration in force has answered. */
export const finishReadRounds = (state: RaftState, role: Leading): void => {
  const { reads } = role;
  if (reads.rounds.length === 0) return;
  const confirmed = quorumReached(membershipOf(state), (node) =>
    node === state.self ? reads.lastRound : (role.progress.get(node)?.readRound ?? 0),
  );
  const done = reads.rounds.filter((round) => round.number <= confirmed);
  if (done.length === 0) return;
  invariant(confirmed <= reads.lastRound, 'only a round that was begun is confirmed');
  reads.rounds = reads.rounds.filter((round) => round.number > confirmed);
  for (const { contexts, index } of done) {
    reads.underWay -= contexts.length;
    invariant(index <= state.commitIndex, 'a read waits for a committed entry');
    for (const context of contexts) {
      state.outbox.readStates.push({ context, index, refused: false });
    }
  }
};

/** The office is over: nothing that waits can be confirmed any more. */
export const refuseReads = (state: RaftState, role: Leading): void => {
  const contexts = [...role.reads.rounds.flatMap((round) => round.contexts), ...role.reads.waiting];
  for (const context of contexts) {
    state.outbox.readStates.push({ context, index: indexZero, refused: true });
  }
  invariant(
    contexts.length === role.reads.underWay + role.reads.waiting.length,
    'every read is counted',
  );
  role.reads.rounds = [];
  role.reads.waiting = [];
  role.reads.underWay = 0;
};
