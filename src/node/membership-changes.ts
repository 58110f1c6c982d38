// Changes of membership: one at a time, each one configuration entry, proposed by the leader only
// and over when it is committed. Whoever is asked for one takes the leadership first: a change is
// made by the node whose operator asked for it and never on another node's word.
import { encodeClusterRecord } from '#command/cluster-record-codec.ts';
import type { ClusterRecord, GrantRecord, MemberRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import { isNodeName, type NodeName } from '#identity/node-name.ts';
import type { Entry } from '#raft/entry.ts';
import type { LogIndex } from '#raft/log-index.ts';
import type { MembershipChange } from '#raft/membership.ts';
import { nodeId } from '#raft/node-id.ts';
import type { Raft } from '#raft/raft.ts';
import type { Refusal } from '#raft/ready.ts';
import type { Term } from '#raft/term.ts';
import type { Transport } from '#transport/transport.ts';
import type { Logger } from './logger.ts';
import type { Members } from './members.ts';
import {
  type Deniable,
  withDenied,
  withGrants,
  withMember,
  withoutDenied,
  withoutMember,
} from './membership-records.ts';
import { peerCalls } from './peer-calls.ts';
import {
  denialProblem,
  promotionProblem,
  removalProblem,
  type VotersSeen,
} from './quorum-guard.ts';
import { votingNames } from './voting-names.ts';

/** A change that is not committed by then is told as unknown. */
const changeMsMax = 10_000;
/** How long a leader may take to answer that it hands over. */
const handOverMs = 1000;
/** Between two looks at whether something can be done now. */
const lookEveryMs = 25;
/** A learner this close to the end of the log is as good as the rest of the voters. */
const closeEntries = 256;
/** How often the leader looks for a learner to promote. */
const promoteEveryMs = 200;

/** What changes need of the node. */
export interface MembershipContext {
  readonly self: NodeName;
  readonly raft: Raft;
  readonly members: Members;
  readonly transport: Pick<Transport, 'isUp' | 'call'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Works off what the core has to say. */
  readonly drain: () => void;
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
}

/** What an entry says. */
interface Change {
  readonly changes: readonly MembershipChange[];
  readonly record: ClusterRecord;
}

/** Makes the change of the record that is in force when its turn comes; throws its refusal. */
type MakeChange = (record: ClusterRecord) => Change;

type Fate = 'committed' | 'lost' | 'unknown';

interface Proposed {
  readonly index: LogIndex;
  readonly term: Term;
  readonly done: (fate: Fate) => void;
}

/** See the head of this file. */
export class MembershipChanges {
  readonly #context: MembershipContext;
  #proposed: Proposed | undefined;
  /** Ends when the changes before are over. */
  #turn: Promise<unknown> = Promise.resolve();
  #changing = 0;
  readonly #promoter: NodeJS.Timeout;
  #closed = false;

  constructor(context: MembershipContext) {
    this.#context = context;
    this.#promoter = setInterval(() => this.#maybePromote(), promoteEveryMs);
  }

  /** No change is begun or waited for any more: the node stops. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#promoter);
    this.#proposed?.done('unknown');
  }

  /** Whether a member's vote counts. */
  isVoter(name: string): boolean {
    return votingNames(this.#context.raft.membership).has(name);
  }

  /** Whether another member is connected to this node. */
  isUp(name: string): boolean {
    return isNodeName(name) && this.#context.transport.isUp(name);
  }

  /** Entries on their way to the log; true when they change whom to dial. */
  appended(entries: readonly Entry[]): boolean {
    return this.#context.members.appended(entries);
  }

  /** Entries up to `index` are committed; true when links must be judged anew. */
  committed(index: LogIndex): boolean {
    const proposed = this.#proposed;
    if (proposed !== undefined && index >= proposed.index) {
      const { members } = this.#context;
      proposed.done(members.termAt(proposed.index) === proposed.term ? 'committed' : 'lost');
    }
    return this.#context.members.committedTo(index);
  }

  /**
   * An image took the place of database and log. Whether a change that it covers is in it, nobody
   * here can tell.
   */
  restarted(index: LogIndex, clusterRecord: Uint8Array): void {
    if (this.#proposed !== undefined && this.#proposed.index <= index) {
      this.#proposed.done('unknown');
    }
    this.#context.members.restart(index, clusterRecord);
  }

  /** A peer's call; false when it is not one of membership's. */
  answer(from: NodeName, method: number, reply: (payload: Uint8Array) => void): boolean {
    if (method !== peerCalls.handOver) return false;
    const { raft, log, drain } = this.#context;
    const refusal = raft.transferLeadership(nodeId(from));
    if (refusal === undefined) log.info({ to: from }, 'leadership is handed over, as asked');
    drain();
    reply(Buffer.alloc(0));
    return true;
  }

  /** Opens grants; resolves when they are committed. */
  async grant(grants: readonly GrantRecord[]): Promise<void> {
    await this.#change((record) => ({
      changes: [],
      record: withGrants(record, grants, this.#context.wallMs()),
    }));
  }

  /**
   * Adds a member as a learner and uses up its grant, in one entry; resolves when it is committed.
   *
   * @throws CodedError as `withMember`, and `not_ready` when a name that was removed is to come
   * back
   *   before every member heard of the removal
   */
  async admit(publicKey: string, newcomer: MemberRecord, from: string): Promise<void> {
    await this.#change((record) => {
      const next = withMember(record, publicKey, newcomer, { nowMs: this.#context.wallMs(), from });
      this.#requireHeardOfRemoval(newcomer.name);
      const present = record.members.some(({ name }) => name === newcomer.name);
      const node = nodeId(newcomer.name);
      return { changes: present ? [] : [{ kind: 'add-learner', node }], record: next };
    });
  }

  /**
   * Removes a member for good; resolves when that is committed.
   *
   * @throws CodedError `not_found` when there is none, `not_ready` when the rest would have no
   *   quorum, `bad_request` for this node itself
   */
  async remove(name: string): Promise<void> {
    if (name === this.#context.self) {
      throw ownNode(name, 'removes');
    }
    await this.#change((record) => {
      const next = withoutMember(record, name);
      const problem = removalProblem(this.#votersSeen(), name);
      if (problem !== undefined) {
        throw new CodedError('not_ready', `removing ${name} would lose the quorum: ${problem}`, {
          hint: 'Start the nodes that do not answer, or admit others first.',
        });
      }
      return { changes: [{ kind: 'remove', node: nodeId(name) }], record: next };
    });
  }

  /** {@link remove}, except that a name that was removed before is a success. */
  async removeOnce(name: string): Promise<void> {
    await this.remove(name).catch((error: unknown) => {
      const { tombstones } = this.#context.members.latest.record;
      const gone = error instanceof CodedError && error.code === 'not_found';
      if (!gone || !tombstones.some((tombstone) => tombstone.name === name)) throw error;
    });
  }

  /**
   * Shuts out nodes and certificates; resolves when that is committed: from then on each member
   * cuts their links as soon as it hears of it.
   *
   * @throws CodedError `not_ready` when the rest would have no quorum, `bad_request` for this node
   *   itself, `queue_full` when the list is full
   */
  async deny(wanted: readonly Deniable[], reason: string): Promise<void> {
    const { self, wallMs } = this.#context;
    if (wanted.some(({ name }) => name === self)) throw ownNode(self, 'denies');
    await this.#change((record) => {
      for (const { name } of wanted) {
        const problem = denialProblem(this.#votersSeen(), name);
        if (problem === undefined) continue;
        throw new CodedError('not_ready', `denying ${name} would lose the quorum: ${problem}`, {
          hint: `Remove it instead (stockade remove ${name}), or start the nodes that do not answer.`,
        });
      }
      return { changes: [], record: withDenied(record, wanted, { reason, nowMs: wallMs() }) };
    });
  }

  /** Lifts denials. @throws CodedError `not_found` when one of them is not denied */
  async lift(lifted: readonly Deniable[]): Promise<void> {
    await this.#change((record) => ({ changes: [], record: withoutDenied(record, lifted) }));
  }

  /**
   * Makes this node the leader. @throws CodedError `not_leader` when it is no voter, `no_leader`
   */
  async #lead(untilMs: number): Promise<void> {
    const { raft, self, monotonicMs } = this.#context;
    let askAtMs = 0;
    while (raft.softState.role !== 'leader') {
      if (!raft.membership.voters.includes(nodeId(self))) {
        throw new CodedError('not_leader', `${self} is no voter and cannot change the cluster`, {
          hint: 'Run the command on a voter.',
        });
      }
      if (this.#closed) throw new CodedError('shutting_down', 'this node is stopping');
      if (monotonicMs() > untilMs) {
        throw new CodedError('no_leader', `${self} could not take over the leadership in time`, {
          hint: 'See whether a majority of the nodes runs and reaches each other, then try again.',
        });
      }
      if (monotonicMs() >= askAtMs) {
        askAtMs = monotonicMs() + handOverMs;
        this.#askForOffice();
      }
      await pause();
    }
  }

  #askForOffice(): void {
    const { raft, transport } = this.#context;
    const { leader } = raft.softState;
    if (leader === undefined || !isNodeName(leader)) return;
    transport.call(leader, peerCalls.handOver, Buffer.alloc(0), handOverMs, () => undefined);
  }

  #change(make: MakeChange): Promise<void> {
    this.#changing += 1;
    const turn = this.#turn.then(() => this.#attempt(make));
    this.#turn = turn
      .catch(() => undefined)
      .then(() => {
        this.#changing -= 1;
      });
    return turn;
  }

  async #attempt(make: MakeChange): Promise<void> {
    const { raft, members, drain, monotonicMs } = this.#context;
    const untilMs = monotonicMs() + changeMsMax;
    for (;;) {
      await this.#lead(untilMs);
      const { changes, record } = make(members.latest.record);
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

  #votersSeen(): VotersSeen {
    const { raft, self } = this.#context;
    const { voters } = raft.membership;
    const up = voters.filter((voter) => voter === nodeId(self) || this.isUp(voter));
    return { voters, up };
  }

  /**
   * A member that slept through the removal of a name would take the newcomer of that name for the
   * removed node and be deaf to it, for ever if it leads. So all must have it in their logs.
   */
  #requireHeardOfRemoval(name: string): void {
    const { members, raft, self } = this.#context;
    const { record, index } = members.latest;
    if (!record.tombstones.some((tombstone) => tombstone.name === name)) return;
    const late = record.members.find(
      (member) => member.name !== self && (raft.matchOf(nodeId(member.name)) ?? 0) < index,
    );
    if (late === undefined) return;
    throw new CodedError(
      'not_ready',
      `${late.name} has not heard yet that the former ${name} was removed`,
      { hint: `Start ${late.name} or remove it, or join under a name that was never used.` },
    );
  }

  #maybePromote(): void {
    const { raft, members, log } = this.#context;
    if (raft.softState.role !== 'leader' || this.#changing > 0) return;
    const ripe = raft.membership.learners.find((learner) => {
      const record = members.record(learner);
      if (record === undefined || record.readReplica === true) return false;
      const behind = raft.commitIndex - (raft.matchOf(learner) ?? 0);
      return behind <= closeEntries && this.isUp(learner);
    });
    if (ripe === undefined || promotionProblem(this.#votersSeen()) !== undefined) return;
    this.#change((record) => ({ changes: [{ kind: 'add-voter', node: ripe }], record })).then(
      () => log.info({ member: ripe }, 'a learner has caught up and votes from now on'),
      (error: unknown) => log.warn({ member: ripe, err: error }, 'a learner could not be promoted'),
    );
  }
}

const ownNode = (name: string, verb: string): CodedError =>
  new CodedError('bad_request', `${name} is this node itself`, {
    hint: `Run the command on another member: it takes over the leadership, if need be, and ${verb} this one.`,
  });

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, lookEveryMs));

const uncertain = (): CodedError =>
  new CodedError('timeout', 'whether the change was made is not known: no quorum in time', {
    applied: 'unknown',
    hint: 'See what `stockade nodes` says when a majority answers again.',
  });

const notNow = (refusal: Refusal): CodedError =>
  new CodedError('not_ready', `the cluster cannot be changed now (${refusal.kind})`, {
    applied: 'no',
    hint: 'Another change is under way, or the leader is new; try again.',
  });
