// What the leader does about its members by itself, looked at again and again: a learner that has
// caught up votes, an address that changed is recorded, whoever is silent for too long is removed
// where the operator set that. One change at a time, and none when somebody else makes one.
import { nodeNameFrom } from '#identity/node-name.ts';
import type { Raft } from '#raft/raft.ts';
import { hostPortFrom } from '#transport/peer-address.ts';
import type { Transport } from '#transport/transport.ts';
import type { Logger } from './logger.ts';
import type { Members } from './members.ts';
import type { MembershipChanges } from './membership-changes.ts';
import { asVoter, withAddresses } from './membership-records.ts';
import { promotionProblem, reapProblem } from './quorum-guard.ts';

/** How often it is looked. */
const lookEveryMs = 200;
/** A change that was refused is tried again after this long. */
const restMs = 5000;

/** When silent members are removed; undefined: never. */
export interface ReapSettings {
  readonly voterMs: number | undefined;
  readonly readReplicaMs: number | undefined;
}

/** Where a node says that it is: host:port, and https://host:port. */
export interface ToldAddresses {
  readonly peerAddress: string;
  readonly apiUrl: string;
}

/** What upkeep needs of the node. */
export interface UpkeepContext {
  readonly self: string;
  readonly raft: Raft;
  readonly members: Members;
  readonly membership: MembershipChanges;
  readonly transport: Pick<Transport, 'silentMs'>;
  readonly reap: ReapSettings;
  /** Where a member that is connected says that it is; undefined when it does not answer. */
  readonly addressesOf: (name: string) => Promise<ToldAddresses | undefined>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly monotonicMs: () => number;
}

/** See the head of this file. */
export class MembershipUpkeep {
  readonly #context: UpkeepContext;
  readonly #timer: NodeJS.Timeout;
  #looking = false;
  /** Silence counts from here on: a new leader has not heard anybody yet. */
  #leadingSinceMs: number | undefined;
  #restUntilMs = 0;
  /** Dead voters whose removal was refused: said once. */
  readonly #kept = new Set<string>();
  /** Members that were asked where they are since they came up. */
  readonly #asked = new Set<string>();

  constructor(context: UpkeepContext) {
    this.#context = context;
    this.#timer = setInterval(() => void this.#look(), lookEveryMs);
  }

  /** Nothing is looked at any more. */
  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const { raft, membership, monotonicMs, log } = this.#context;
    if (raft.softState.role !== 'leader') {
      this.#leadingSinceMs = undefined;
      this.#asked.clear();
      return;
    }
    this.#leadingSinceMs ??= monotonicMs();
    if (this.#looking || membership.busy || monotonicMs() < this.#restUntilMs) return;
    this.#looking = true;
    try {
      if (await this.#promote()) return;
      if (await this.#reap()) return;
      await this.#recordAddresses();
    } catch (error) {
      this.#restUntilMs = monotonicMs() + restMs;
      log.warn({ err: error }, 'a change of membership was not made; it is tried again');
    } finally {
      this.#looking = false;
    }
  }

  async #promote(): Promise<boolean> {
    const { raft, members, membership, log } = this.#context;
    const ripe = raft.membership.learners.find((learner) => {
      const record = members.record(learner);
      if (record === undefined || record.readReplica === true) return false;
      return membership.unripe(learner) === undefined;
    });
    if (ripe === undefined || promotionProblem(membership.votersSeen) !== undefined) return false;
    await membership.change(
      (record) => ({ changes: [{ kind: 'add-voter', node: ripe }], record: asVoter(record, ripe) }),
      'hold',
    );
    log.info({ member: ripe }, 'a learner has caught up and votes from now on');
    return true;
  }

  async #reap(): Promise<boolean> {
    const { members, membership, log } = this.#context;
    for (const { name } of members.all) {
      const silentMs = this.#silentMs(name);
      if (silentMs === undefined) {
        this.#kept.delete(name);
        continue;
      }
      const problem = reapProblem(membership.votersSeen, name);
      if (problem === undefined) {
        await membership.remove(name, 'hold');
        const seconds = Math.round(silentMs / 1000);
        log.warn({ audit: 'reaped', name, seconds }, 'a silent member was removed for good');
        return true;
      }
      if (this.#kept.has(name)) continue;
      this.#kept.add(name);
      log.warn({ name, problem }, 'a silent voter is kept: removing it is not safe');
    }
    return false;
  }

  /** For how long a member has been silent, when that is longer than the setting allows. */
  #silentMs(name: string): number | undefined {
    const { self, membership, transport, reap, monotonicMs } = this.#context;
    const allowedMs = membership.isVoter(name) ? reap.voterMs : reap.readReplicaMs;
    if (name === self || allowedMs === undefined || membership.isUp(name)) return undefined;
    const leadingMs = monotonicMs() - (this.#leadingSinceMs ?? monotonicMs());
    const silentMs = Math.min(transport.silentMs(nodeNameFrom(name)), leadingMs);
    return silentMs >= allowedMs ? silentMs : undefined;
  }

  /** A member that came up is asked once where it is, and where it differs that is recorded. */
  async #recordAddresses(): Promise<void> {
    const { self, members, membership, addressesOf, log } = this.#context;
    for (const { name } of members.all) {
      if (name !== self && !membership.isUp(name)) this.#asked.delete(name);
      else if (!this.#asked.has(name)) {
        this.#asked.add(name);
        const told = await addressesOf(name);
        const record = members.record(name);
        if (told === undefined || record === undefined || !areSound(told)) continue;
        if (record.peerAddress === told.peerAddress && record.apiUrl === told.apiUrl) continue;
        await membership.change(
          (latest) => ({ changes: [], record: withAddresses(latest, name, told) }),
          'hold',
        );
        log.info({ member: name, ...told }, 'a member has a new address');
        return;
      }
    }
  }
}

/** What is recorded is dialled and handed to clients. */
const areSound = ({ peerAddress, apiUrl }: ToldAddresses): boolean => {
  const api = /^https:\/\/(.+)$/.exec(apiUrl)?.[1] ?? '';
  return hostPortFrom(peerAddress) !== undefined && hostPortFrom(api) !== undefined;
};
