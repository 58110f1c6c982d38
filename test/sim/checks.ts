// What must hold at every step of every run, judged from outside: the core is never asked whether
// it is right, only what it has on disk, what it sent, what it committed and what it applied.
import { membersOf } from '#raft/configuration.ts';
import { describeMessage } from '#raft/describe.ts';
import type { Entry } from '#raft/entry.ts';
import type { HardState } from '#raft/hard-state.ts';
import { indexAfter, type LogIndex, logIndex } from '#raft/log-index.ts';
import type { Message } from '#raft/message.ts';
import type { NodeId } from '#raft/node-id.ts';
import { quorumVote } from '#raft/quorum.ts';
import type { Ready } from '#raft/ready.ts';
import { type Term, termZero } from '#raft/term.ts';
import { type DiskContents, lastIndexOf, termOn } from '../raft/memory-disk.ts';
import type { TestNode } from '../raft/test-node.ts';
import { commandOf } from './workload.ts';

/** A property that did not hold. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
}

const must = (condition: boolean, sentence: string | (() => string)): void => {
  if (condition) return;
  throw new SimulationFailure(typeof sentence === 'string' ? sentence : sentence());
};

/** What a node said when it was last looked at in its present life. */
interface Seen {
  commitIndex: LogIndex;
  term: Term;
  isLeader: boolean;
}

/** The checkers of one run. */
export interface Checks {
  /** Terms that had a leader. */
  readonly leaders: ReadonlyMap<Term, NodeId>;
  readonly commitIndex: number;
  started(node: TestNode): void;
  /** A Ready is about to be carried out. */
  onReady(node: TestNode, ready: Ready): void;
  onSend(node: TestNode, message: Message): void;
  onApplied(node: TestNode, entry: Entry): void;
  /** A node has done what it owed; before anything else happens. */
  afterTurn(node: TestNode, turn?: { readonly isCutShort: boolean }): void;
  /** What is on a disk changed. */
  onSynced(id: NodeId, before: HardState, contents: DiskContents): void;
}

/**
 * The checkers.
 *
 * @param diskOf what is durable on any node's disk, running or not
 */
export const createChecks = (diskOf: (id: NodeId) => DiskContents | undefined): Checks => {
  const leaders = new Map<Term, NodeId>();
  const seen = new Map<TestNode, Seen>();
  const entries = new Map<string, { readonly entry: Entry; readonly prevTerm: Term | undefined }>();
  const committed: (Term | undefined)[] = [termZero];
  const committedIn: (Term | undefined)[] = [termZero];
  const applied = new Map<LogIndex, Entry>();
  const appliedCommands = new Map<string, LogIndex>();
  let commitIndex = 0;

  /** Log matching (3.5): an entry is the same everywhere, and so is the one before it. */
  const checkLogMatching = (node: TestNode, ready: Ready): void => {
    let prevTerm =
      ready.snapshot?.term ??
      (ready.entries[0] === undefined
        ? undefined
        : termOn(node.disk.written, indexAfter(ready.entries[0].index, -1)));
    for (const entry of ready.entries) {
      const key = `${entry.index}/${entry.term}`;
      const known = entries.get(key);
      if (known === undefined) entries.set(key, { entry, prevTerm });
      else {
        const isSame = known.entry.kind === entry.kind && known.entry.data === entry.data;
        must(isSame, `log matching: ${node.id} holds another entry ${key}`);
        must(
          known.prevTerm === undefined || prevTerm === undefined || known.prevTerm === prevTerm,
          `log matching: ${node.id} holds another entry before ${key}`,
        );
      }
      prevTerm = entry.term;
    }
  };

  /** Leader append-only (3.6.2) and what a Ready must be. */
  const checkReady = (node: TestNode, ready: Ready): void => {
    const { role } = ready.softState;
    if (role === 'leader') {
      must(ready.truncateFrom === undefined, `leader append-only: ${node.id} truncates its log`);
      must(ready.snapshot === undefined, `leader append-only: ${node.id} replaces its log`);
    }
    must(
      ready.mustSync ===
        (ready.entries.length > 0 ||
          ready.hardState !== undefined ||
          ready.truncateFrom !== undefined ||
          ready.snapshot !== undefined),
      `${node.id} asks for a sync exactly when there is something to write`,
    );
    must(ready.commitIndex <= node.raft.commitIndex, `${node.id} applies what is not committed`);
  };

  const holds = (id: NodeId, index: LogIndex, term: Term): boolean => {
    const contents = diskOf(id);
    if (contents === undefined) return false;
    return contents.trimmedIndex >= index || termOn(contents, index) === term;
  };

  /** Commit never passes what a quorum has on disk (3.5, 10.2.1); only leaders commit first. */
  const checkNewCommit = (node: TestNode, before: Seen): void => {
    const { raft, disk } = node;
    must(
      // A removed leader commits its removal and steps down in one turn.
      raft.softState.role === 'leader' || (before.isLeader && raft.softState.term === before.term),
      () => `${node.id} commits ${raft.commitIndex} before any leader does`,
    );
    for (let index = indexAfter(raft.commitIndex, 0); index > commitIndex; ) {
      const term = termOn(disk.written, index);
      if (committed[index] === undefined) committed[index] = term;
      committedIn[index] ??= raft.softState.term;
      index = indexAfter(index, -1);
    }
    commitIndex = raft.commitIndex;
    const term = termOn(disk.written, raft.commitIndex);
    must(term === raft.softState.term, `${node.id} commits an entry of another term by counting`);
    if (term === undefined) return;
    const result = quorumVote(raft.membership, (id) => holds(id, raft.commitIndex, term));
    must(result === 'won', () => {
      const names = membersOf(raft.membership).filter((id) => holds(id, raft.commitIndex, term));
      return `${node.id} commits ${raft.commitIndex} that only ${names.join(' ')} have on disk`;
    });
  };

  /** Leader completeness (3.6.3): whoever leads holds everything that was committed. */
  const checkNewLeader = (node: TestNode): void => {
    const { term } = node.raft.softState;
    const other = leaders.get(term);
    must(
      other === undefined || other === node.id,
      `election safety: ${node.id} and ${other} lead in term ${term}`,
    );
    if (other !== undefined) return;
    leaders.set(term, node.id);
    // A leader elected late, in a term that is over elsewhere, need not hold what came after it.
    const last = logIndex(
      Math.max(
        0,
        committedIn.findLastIndex((inTerm) => (inTerm ?? 0) < term),
      ),
    );
    must(
      node.disk.written.trimmedIndex > last || termOn(node.disk.written, last) === committed[last],
      `leader completeness: ${node.id} leads in term ${term} without committed entry ${last}`,
    );
  };

  const checkCommit = (node: TestNode, before: Seen, isCutShort: boolean): void => {
    const { raft, disk } = node;
    must(raft.commitIndex >= before.commitIndex, `the commit index of ${node.id} went back`);
    if (raft.commitIndex > commitIndex) checkNewCommit(node, before);
    const { trimmedIndex } = disk.written;
    if (raft.commitIndex === before.commitIndex || raft.commitIndex < trimmedIndex) return;
    // Before its turn is over a node may not have written what it just learnt to be committed.
    if (isCutShort) return;
    must(
      termOn(disk.written, raft.commitIndex) === committed[raft.commitIndex],
      () => `${node.id} takes another entry ${raft.commitIndex} for committed`,
    );
  };

  /** What a message rests on is on its sender's disk when it leaves (3.8). */
  const checkDurable = (node: TestNode, message: Message): void => {
    const { durable } = node.disk;
    const { term, votedFor } = durable.hardState;
    const needs = (condition: boolean, what: string): void =>
      must(
        condition,
        () => `${describeMessage(message)} left before ${what} was on disk (${term}/${votedFor})`,
      );
    const isPromise =
      message.kind === 'append-reply' || (message.kind === 'vote-reply' && !message.preVote);
    if (isPromise || message.kind === 'append' || message.kind === 'heartbeat-reply') {
      needs(term >= message.term, 'its term');
    }
    // An answer of an earlier term may leave when its entry is being replaced already, or was
    // replaced by the very write that it waited for: it was here when that term was heard.
    const isLate = node.raft.softState.term > message.term;
    if (message.kind === 'append-reply' && message.accepted && !isLate) {
      needs(lastIndexOf(durable) >= message.matchIndex, 'what it acknowledges');
      const { matchIndex } = message;
      needs(
        durable.trimmedIndex >= matchIndex ||
          termOn(durable, matchIndex) === termOn(node.disk.written, matchIndex) ||
          termOn(node.disk.written, matchIndex) === undefined,
        'the entry it acknowledges',
      );
    }
    if (message.kind === 'vote-reply' && message.granted && !message.preVote) {
      needs(term > message.term || votedFor === message.to, 'its vote');
    }
    if (message.kind === 'vote-request' && !message.preVote) {
      needs(term > message.term || (term === message.term && votedFor === node.id), 'its vote');
    }
  };

  return {
    leaders,
    get commitIndex() {
      return commitIndex;
    },
    started(node) {
      const { commitIndex: commit, softState } = node.raft;
      seen.set(node, { commitIndex: commit, term: softState.term, isLeader: false });
      must(
        softState.term >= node.disk.durable.hardState.term,
        `the term of ${node.id} went back over a restart`,
      );
    },
    onReady(node, ready) {
      checkReady(node, ready);
      checkLogMatching(node, ready);
    },
    onSend: checkDurable,
    onApplied(node, entry) {
      must(
        (committed[entry.index] ?? entry.term) === entry.term,
        () => `state machine safety: ${node.id} applies another entry ${entry.index}`,
      );
      const other = applied.get(entry.index);
      must(
        other === undefined || (other.term === entry.term && other.data === entry.data),
        () => `state machine safety: ${node.id} applies another entry ${entry.index}`,
      );
      must(entry.index <= lastIndexOf(node.disk.durable), `${node.id} applies what is not on disk`);
      applied.set(entry.index, entry);
      const id = commandOf(entry)?.id;
      if (id === undefined) return;
      const before = appliedCommands.get(id);
      must(
        before === undefined || before === entry.index,
        `command ${id} is applied at ${before} and at ${entry.index}`,
      );
      appliedCommands.set(id, entry.index);
    },
    afterTurn(node, { isCutShort } = { isCutShort: false }) {
      const before = seen.get(node);
      if (before === undefined) return;
      const { softState } = node.raft;
      must(softState.term >= before.term, `the term of ${node.id} went back`);
      if (softState.role === 'leader') checkNewLeader(node);
      checkCommit(node, before, isCutShort);
      if (!isCutShort) before.commitIndex = node.raft.commitIndex;
      before.term = softState.term;
      before.isLeader = softState.role === 'leader';
    },
    onSynced(id, before, { hardState }) {
      must(hardState.term >= before.term, `the term on the disk of ${id} went back`);
      must(
        hardState.term > before.term ||
          before.votedFor === undefined ||
          hardState.votedFor === before.votedFor,
        `${id} voted twice in term ${hardState.term}`,
      );
    },
  };
};
