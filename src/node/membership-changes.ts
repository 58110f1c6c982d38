// Changes of membership, each one an entry of its own (record-changes.ts). Whoever is asked for one
// takes the leadership first: a change is made by the node whose operator asked for it and never on
// another node's word, except that a member may ask to be removed itself.
import type { GrantRecord, MemberRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import { isNodeName, type NodeName } from '#identity/node-name.ts';
import type { Entry } from '#raft/entry.ts';
import type { LogIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';
import type { CertificateMarks } from '#tls/deny-list.ts';
import type { Transport } from '#transport/transport.ts';
import { judgedDenials, ownNode, refuseOwnDenial, type Sight } from './denial-guard.ts';
import type { Members } from './members.ts';
import {
  asVoter,
  type Deniable,
  withDenied,
  withGrants,
  withMember,
  withoutDenied,
  withoutMember,
} from './membership-records.ts';
import { Office, type OfficeContext } from './office.ts';
import { peerCalls } from './peer-calls.ts';
import { promotionProblem, removalProblem, type VotersSeen } from './quorum-guard.ts';
import { changeMsMax, type MakeChange, type Means, RecordChanges } from './record-changes.ts';
import { votingNames } from './voting-names.ts';

/** A learner this close to the end of the log is as good as the rest of the voters. */
const closeEntries = 256;

/** What changes need of the node. */
export interface MembershipContext extends OfficeContext {
  /** Works off what the core has to say. */
  readonly drain: () => void;
  readonly transport: Pick<Transport, 'isUp' | 'shownBy' | 'call' | 'silentMs'>;
  /** Of the certificate that this node shows now. */
  readonly ownCertificate: () => CertificateMarks;
  readonly members: Members;
  readonly wallMs: () => number;
}

/** See the head of this file. */
export class MembershipChanges {
  readonly #context: MembershipContext;
  /** Who leads, and how that is changed. */
  readonly office: Office;
  readonly #changes: RecordChanges;

  constructor(context: MembershipContext) {
    this.#context = context;
    this.office = new Office(context);
    this.#changes = new RecordChanges(context, this.office);
  }

  /** No change is begun or waited for any more: the node stops. */
  close(): void {
    this.office.close();
    this.#changes.close();
  }

  /** Whether a member's vote counts. */
  isVoter(name: string): boolean {
    return votingNames(this.#context.raft.membership).has(name);
  }

  /** Whether another member is connected to this node. */
  isUp(name: string): boolean {
    return isNodeName(name) && this.#context.transport.isUp(name);
  }

  /** See {@link RecordChanges.change}. */
  change(make: MakeChange, means?: Means): Promise<void> {
    return this.#changes.change(make, means);
  }

  /** Whether a change is on its way or waits for its turn. */
  get busy(): boolean {
    return this.#changes.busy;
  }

  /** The voters, and who of them answers now. */
  get votersSeen(): VotersSeen {
    const { raft, self } = this.#context;
    const { voters } = raft.membership;
    const up = voters.filter((voter) => voter === nodeId(self) || this.isUp(voter));
    return { voters, up };
  }

  /** What this node sees of another one: how far behind it is, since when it is silent. */
  seenOf(name: string): { readonly entriesBehind?: number; readonly silentMs?: number } {
    const { raft, transport } = this.#context;
    const match = raft.matchOf(nodeId(name));
    const silentMs = isNodeName(name) ? transport.silentMs(name) : Number.POSITIVE_INFINITY;
    return {
      ...(match === undefined ? {} : { entriesBehind: Math.max(0, raft.commitIndex - match) }),
      ...(this.isUp(name) || !Number.isFinite(silentMs) ? {} : { silentMs }),
    };
  }

  /** Why a learner is no voter yet, as the leader sees it; undefined when it can be one. */
  unripe(learner: string): string | undefined {
    const { raft } = this.#context;
    if (!this.isUp(learner)) return `${learner} does not answer`;
    const behind = raft.commitIndex - (raft.matchOf(nodeId(learner)) ?? 0);
    return behind <= closeEntries ? undefined : `${learner} is ${behind} entries behind`;
  }

  /** Entries on their way to the log; true when they change whom to dial. */
  appended(entries: readonly Entry[]): boolean {
    return this.#context.members.appended(entries);
  }

  /** Entries up to `index` are committed; true when links must be judged anew. */
  committed(index: LogIndex): boolean {
    this.#changes.committed(index);
    return this.#context.members.committedTo(index);
  }

  /** An image took the place of database and log. */
  restarted(index: LogIndex, clusterRecord: Uint8Array): void {
    this.#changes.restarted(index);
    this.#context.members.restart(index, clusterRecord);
  }

  /** A peer's call; false when it is not one of membership's. */
  answer(
    from: NodeName,
    method: number,
    payload: Buffer,
    reply: (payload: Uint8Array) => void,
  ): boolean {
    if (method === peerCalls.leave) this.#letGo(from, reply);
    else return this.office.answer(from, method, payload, reply);
    return true;
  }

  /** A member wants to be removed: its own word about itself is enough. */
  #letGo(name: NodeName, reply: (payload: Uint8Array) => void): void {
    const { log } = this.#context;
    this.remove(name, 'hold').then(
      () => {
        log.info({ audit: 'left', name }, 'a member left, as it asked');
        reply(Buffer.alloc(0));
      },
      (error: unknown) => reply(Buffer.from(error instanceof Error ? error.message : 'no')),
    );
  }

  /** Opens grants; resolves when they are committed. */
  async grant(grants: readonly GrantRecord[]): Promise<void> {
    await this.change((record) => ({
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
    await this.change((record) => {
      const next = withMember(record, publicKey, newcomer, { nowMs: this.#context.wallMs(), from });
      this.#requireHeardOfRemoval(newcomer.name);
      const present = record.members.some(({ name }) => name === newcomer.name);
      const node = nodeId(newcomer.name);
      return { changes: present ? [] : [{ kind: 'add-learner', node }], record: next };
    });
  }

  /**
   * Adds a member on the operator's word, without a token: a grant for its key is opened and used
   * up in one entry. The same newcomer again changes nothing.
   *
   * @throws CodedError as `withGrants`, `withMember` and `admit`
   */
  async admitCarried(newcomer: MemberRecord, readReplica: boolean): Promise<void> {
    const { name, keyPin, storeId } = newcomer;
    await this.change((record) => {
      const same = record.members.some(
        (member) => member.name === name && member.keyPin === keyPin && member.storeId === storeId,
      );
      if (same) return { changes: [], record };
      const nowMs = this.#context.wallMs();
      // Nobody holds a private half for this: it is no key, and it is used before anybody reads it.
      const grant = { name, publicKey: keyPin, expiresMs: nowMs, readReplica };
      const granted = withGrants(record, [{ ...grant, usedMs: 0, usedFrom: '' }], nowMs);
      const next = withMember(granted, keyPin, newcomer, { nowMs, from: 'a file' });
      this.#requireHeardOfRemoval(name);
      return { changes: [{ kind: 'add-learner', node: nodeId(name) }], record: next };
    });
  }

  /**
   * Removes a member for good; resolves when that is committed.
   *
   * @throws CodedError `not_found` when there is none, `not_ready` when the rest would have no
   *   quorum, `bad_request` for this node itself
   */
  async remove(name: string, means: Means = 'take'): Promise<void> {
    if (name === this.#context.self) {
      throw ownNode(name, 'removes');
    }
    await this.change((record) => {
      const next = withoutMember(record, name);
      const problem = removalProblem(this.votersSeen, name);
      if (problem !== undefined) {
        throw new CodedError('not_ready', `removing ${name} would lose the quorum: ${problem}`, {
          hint: 'Start the nodes that do not answer, or admit others first.',
        });
      }
      return { changes: [{ kind: 'remove', node: nodeId(name) }], record: next };
    }, means);
  }

  /**
   * Makes a learner a voter: a read replica, or one whose turn has not come; resolves when that is
   * committed.
   *
   * @throws CodedError `not_found`, `already_exists` for a voter, `not_ready` when it does not
   *   answer, is far behind, or the cluster would not survive its failure
   */
  async promote(name: string): Promise<void> {
    await this.change((record) => {
      const next = asVoter(record, name);
      if (this.isVoter(name)) {
        throw new CodedError('already_exists', `${name} votes already`);
      }
      const problem = promotionProblem(this.votersSeen);
      if (problem !== undefined) {
        throw new CodedError('not_ready', `promoting ${name} would risk the quorum: ${problem}`, {
          hint: 'Start the voters that do not answer, or remove them first: stockade remove NAME',
        });
      }
      const unripe = this.unripe(name);
      if (unripe !== undefined) return unripe;
      return { changes: [{ kind: 'add-voter', node: nodeId(name) }], record: next };
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
   *   itself, `not_found` for a name that is nobody's, `queue_full` when the list is full
   */
  async deny(wanted: readonly Deniable[], reason: string): Promise<void> {
    const { members, wallMs } = this.#context;
    // This node itself is refused before it takes over the leadership for nothing.
    refuseOwnDenial(members.latest.record, wanted, this.#sight);
    await this.change((record) => {
      const denials = judgedDenials(record, wanted, this.#sight);
      return { changes: [], record: withDenied(record, denials, { reason, nowMs: wallMs() }) };
    });
  }

  get #sight(): Sight {
    const { self, transport, ownCertificate } = this.#context;
    return {
      self,
      voters: this.votersSeen,
      shownBy: (name) => {
        if (name === self) return [ownCertificate()];
        return isNodeName(name) ? transport.shownBy(name) : [];
      },
    };
  }

  /** Lifts denials. @throws CodedError `not_found` when one of them is not denied */
  async lift(lifted: readonly Deniable[]): Promise<void> {
    await this.change((record) => ({ changes: [], record: withoutDenied(record, lifted) }));
  }

  /**
   * Removes this node itself, before it stops for good: another member leads and does it.
   *
   * @throws CodedError `not_ready` with the reason when it stays a member
   */
  async leave(): Promise<void> {
    const { self, transport } = this.#context;
    const leader = await this.office.lay();
    const refusal = await new Promise<string>((resolve) => {
      transport.call(leader, peerCalls.leave, Buffer.alloc(0), changeMsMax, (reply) => {
        resolve(reply.kind === 'reply' ? reply.payload.toString('utf8') : reply.reason);
      });
    });
    // Whoever is removed is disconnected: the answer may be lost with the link.
    if (refusal === '' || this.#context.members.record(self) === undefined) return;
    throw new CodedError('not_ready', refusal);
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
}
