// Members whose address changed are found again: this node answers whoever meets it on its peer
// port, and while members are missing, or it knows none yet, it meets whoever is at the addresses
// that configuration or discovery yields. An address is learnt only of a node whose certificate,
// key and disk are those on record.
import type { Discovery } from '#cluster/discovery/discovery.ts';
import type { Introduction } from '#cluster/forming/introduction.ts';
import { answerMeeting, type MeetingSocket, type Met } from '#cluster/forming/meet.ts';
import { meetAll } from '#cluster/forming/meet-all.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import type { Random } from '#io/random.ts';
import type { ProvedNode } from '#tls/peer-identity.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import type { NodeConfig } from './config.ts';
import type { FolderIdentity } from './identity-file.ts';
import type { Logger } from './logger.ts';
import type { Members } from './members.ts';
import { ownFounder } from './own-founder.ts';

/** How often it is looked; a registration in a store is kept alive with it. */
const lookEveryMs = 5000;
/** The first time: a node that comes back under a new address is missed. */
const firstLookMs = 500;

/** What it needs of the node. */
export interface AcquaintancesContext {
  readonly config: NodeConfig;
  readonly identity: FolderIdentity;
  readonly random: Random;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly material: () => PeerMaterial;
  readonly members: Members;
  readonly discovery: Discovery;
  readonly isUp: (name: string) => boolean;
  /** Whom to dial changed. */
  readonly onTold: () => void;
}

/** See the head of this file. */
export class Acquaintances {
  readonly #context: AcquaintancesContext;
  readonly #run: string;
  #timer: NodeJS.Timeout;
  #closed = false;
  #failure = '';

  constructor(context: AcquaintancesContext) {
    this.#context = context;
    this.#run = Buffer.from(context.random.bytes(16)).toString('hex');
    this.#timer = setTimeout(() => void this.#look(), firstLookMs);
  }

  /** Nobody is looked for any more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** A node wants to meet this one. */
  answer(socket: MeetingSocket, proved: ProvedNode): void {
    answerMeeting(socket, proved, (met) => {
      const stranger = this.#judge(met, proved);
      return this.#introduction(stranger);
    });
  }

  /** Why a node is none of the members; empty for a member, whose address is learnt then. */
  #judge({ says }: Met, proved: Pick<ProvedNode, 'name' | 'keyPin'>): string {
    const { members, onTold } = this.#context;
    const stranger = members.strangeness({ ...proved, storeId: storeIdFrom(says.storeId) });
    if (stranger === '' && members.told(proved.name, says.peerAddress)) onTold();
    return stranger;
  }

  #introduction(stranger: string): Introduction {
    const { config, identity, material, members } = this.#context;
    const { storeId, peerAddress, apiUrl } = ownFounder(config, identity, material());
    return {
      ...{ storeId, peerAddress, apiUrl, run: this.#run },
      stage: members.all.length === 0 ? 'joining' : 'member',
      expect: 0,
      seen: [],
      ...{ obstacle: '', pledge: '', founding: '', ask: '' },
      stranger,
    };
  }

  async #look(): Promise<void> {
    const { discovery, identity, material, log } = this.#context;
    try {
      if (this.#someoneIsMissing()) {
        const cluster: ClusterId = identity.cluster;
        const round = await meetAll(discovery, this.#introduction(''), { cluster, material });
        for (const met of round.met) {
          if (met.says.run !== this.#run) this.#judge(met, met);
        }
      } else await discovery.places();
      this.#failure = '';
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      if (failure !== this.#failure) log.warn({ failure }, 'discovery fails');
      this.#failure = failure;
    }
    if (!this.#closed) this.#timer = setTimeout(() => void this.#look(), lookEveryMs);
  }

  #someoneIsMissing(): boolean {
    const { members, identity, isUp } = this.#context;
    const { all } = members;
    return all.length === 0 || all.some(({ name }) => name !== identity.name && !isUp(name));
  }
}
