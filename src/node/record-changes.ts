// One change of the cluster's record at a time, each one configuration entry, proposed by the
// leader only and over when it is committed. What a change is, and whether it is allowed, others
// say.
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import type { ClusterRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import type { LogIndex } from '#raft/log-index.ts';
import type { MembershipChange } from '#raft/membership.ts';
import type { Raft } from '#raft/raft.ts';
import type { Refusal } from '#raft/ready.ts';
import type { Term } from '#raft/term.ts';
import type { Members } from './members.ts';
import type { Office } from './office.ts';

/** A change that is not committed by then is told as unknown. */
export const changeMsMax = 10_000;
/** Between two looks at whether something can be done now. */
const lookEveryMs = 25;

/** What changes need of the node. */
interface RecordContext {
  readonly raft: Raft;
  readonly members: Members;
  /** Works off what the core has to say. */
  readonly drain: () => void;
  readonly monotonicMs: () => number;
}

/** What an entry says. */
interface Change {
  readonly changes: readonly MembershipChange[];
  readonly record: ClusterRecord;
}

/**
 * Makes the change of the record that is in force when its turn comes; a text says why not yet, a
 * throw why not at all.
 */
export type MakeChange = (record: ClusterRecord) => Change | string;

/** Whether this node takes the office for a change, or makes it only if it leads already. */
export type Means = 'take' | 'hold';

type Fate = 'committed' | 'lost' | 'unknown';

interface Proposed {
  readonly index: LogIndex;
  readonly term: Term;
  readonly done: (fate: Fate) => void;
}

/** See the head of this file. */
export class RecordChanges {
  readonly #context: RecordContext;
  readonly #office: Office;
  #proposed: Proposed | undefined;
  /** Ends when the changes before are over. */
  #turn: Promise<unknown> = Promise.resolve();
  #changing = 0;

  constructor(context: RecordContext, office: Office) {
    this.#context = context;
    this.#office = office;
  }

  /** Nothing is waited for any more: the node stops. */
  close(): void {
    this.#proposed?.done('unknown');
  }

  /** Whether a change is on its way or waits for its turn. */
  get busy(): boolean {
    return this.#changing > 0;
  }

  /** Entries up to `index` are committed; the members have not been told yet. */
  committed(index: LogIndex): void {
    const proposed = this.#proposed;
    if (proposed === undefined || index < proposed.index) return;
    const same = this.#context.members.termAt(proposed.index) === proposed.term;
    proposed.done(same ? 'committed' : 'lost');
  }

  /**
   * An image took the place of database and log. Whether a change that it covers is in it, nobody
   * here can tell.
   */
  restarted(index: LogIndex): void {
    if (this.#proposed !== undefined && this.#proposed.index <= index) {
      this.#proposed.done('unknown');
    }
  }

  /**
   * Makes a change when those before it are over; resolves when it is committed.
   *
   * @throws CodedError what `make` throws, `not_leader`, `no_leader`, `not_ready`, `timeout` when
   *   nobody can say whether it was made
   */
  change(make: MakeChange, means: Means = 'take'): Promise<void> {
    this.#changing += 1;
    const turn = this.#turn.then(() => this.#attempt(make, means));
    this.#turn = turn
      .catch(() => undefined)
      .then(() => {
        this.#changing -= 1;
      });
    return turn;
  }

  async #attempt(make: MakeChange, means: Means): Promise<void> {
    const { raft, members, drain, monotonicMs } = this.#context;
    const untilMs = monotonicMs() + changeMsMax;
    for (;;) {
      if (means === 'take') await this.#office.take(untilMs);
      else if (raft.softState.role !== 'leader') throw noOffice();
      const made = make(members.latest.record);
      if (typeof made === 'string') {
        if (monotonicMs() > untilMs) throw notYet(made);
        await pause();
        continue;
      }
      const { changes, record } = made;
      // A newcomer that asks again changes nothing.
      if (changes.length === 0 && record === members.committed) return;
      const proposed = raft.proposeConfiguration(changes, encodeClusterRecord(record));
      drain();
      if (proposed.kind === 'accepted') {
        const fate = await this.#fateOf(proposed.index, proposed.term, untilMs);
        if (fate === 'committed') return;
        if (fate === 'unknown') throw uncertain();
      } else if (proposed.refusal.kind === 'invalid' || monotonicMs() > untilMs) {
        throw notNow(proposed.refusal);
      } else {
        await pause();
      }
    }
  }

  #fateOf(index: LogIndex, term: Term, untilMs: number): Promise<Fate> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => this.#proposed?.done('unknown'),
        untilMs - this.#context.monotonicMs(),
      );
      const done = (fate: Fate): void => {
        clearTimeout(timer);
        this.#proposed = undefined;
        resolve(fate);
      };
      // Alone, the entry may be committed before this runs.
      if (this.#context.raft.commitIndex >= index) {
        done(this.#context.members.termAt(index) === term ? 'committed' : 'lost');
      } else this.#proposed = { index, term, done };
    });
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, lookEveryMs));

const uncertain = (): CodedError =>
  new CodedError('timeout', 'whether the change was made is not known: no quorum in time', {
    applied: 'unknown',
    hint: 'See what `stockade nodes` says when a majority answers again.',
  });

const noOffice = (): CodedError => new CodedError('not_leader', 'this node does not lead any more');

const notYet = (why: string): CodedError =>
  new CodedError('not_ready', why, { applied: 'no', hint: 'Try again when it has caught up.' });

const notNow = (refusal: Refusal): CodedError =>
  new CodedError('not_ready', `the cluster cannot be changed now (${refusal.kind})`, {
    applied: 'no',
    hint: 'Another change is under way, or the leader is new; try again.',
  });
