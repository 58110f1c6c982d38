// Opens what decides about members: who is heeded, what is changed, and whether this node was
// removed.
import { X509Certificate } from 'node:crypto';
import { nodeNameFrom } from '#identity/node-name.ts';
import { marksOf } from '#tls/deny-list.ts';
import type { Transport } from '#transport/transport.ts';
import { addressText } from './config.ts';
import type { Consensus } from './consensus.ts';
import type { Introductions } from './introductions.ts';
import type { Members } from './members.ts';
import { MembershipChanges, type MembershipContext } from './membership-changes.ts';
import { MembershipUpkeep, type ToldAddresses } from './membership-upkeep.ts';
import type { NodeLoopOptions } from './node-loop-options.ts';
import { describeNode } from './peer-calls.ts';
import { RemovalWord } from './removal-word.ts';
import { StrangerGate } from './stranger-gate.ts';

/** Changes of membership, and the word of a removal. */
export interface OpenMembership {
  readonly membership: MembershipChanges;
  readonly upkeep: MembershipUpkeep;
  readonly removal: RemovalWord;
}

/** How long a member may take to say where it is. */
const describeMs = 1000;

/** Who of the peers is heeded. */
export const openGate = (
  { config, effects }: NodeLoopOptions,
  { raft }: Consensus,
  members: Members,
  introductions: Introductions,
): StrangerGate =>
  new StrangerGate({
    raft,
    members,
    introductions,
    electionMs: config.raft.electionMs,
    monotonicMs: () => effects.clock.monotonicMs(),
  });

/** What membership asks of the loop. */
export type LoopHandles = Pick<MembershipContext, 'drain' | 'stepDown'>;

/** Opens all of it. */
export const openMembership = (
  { config, identity, effects, log, material }: NodeLoopOptions,
  { raft }: Consensus,
  members: Members,
  transport: Transport,
  handles: LoopHandles,
): OpenMembership => {
  const { clock } = effects;
  const self = identity.name;
  const others = (): number => members.all.filter(({ name }) => name !== self).length;
  const shared = { raft, members, transport, log, monotonicMs: () => clock.monotonicMs() };
  const wallMs = (): number => clock.wallMs();
  const membership = new MembershipChanges({
    ...{ ...shared, ...handles, self, wallMs },
    ownCertificate: () => marksOf(new X509Certificate(material().certificate)),
  });
  const own = {
    peerAddress: addressText(config.peer.advertise),
    apiUrl: `https://${addressText(config.http.advertise)}`,
  };
  const addressesOf = async (name: string): Promise<ToldAddresses | undefined> => {
    if (name === self) return own;
    const asked = { self, apiUrl: own.apiUrl, transport };
    const { description } = await describeNode(asked, name, describeMs);
    const peerAddress = members.toldBy(nodeNameFrom(name));
    if (description === undefined || peerAddress === undefined) return undefined;
    return { peerAddress, apiUrl: description.apiUrl };
  };
  const { reap } = config.cluster;
  return {
    membership,
    upkeep: new MembershipUpkeep({ ...shared, self, membership, reap, addressesOf }),
    removal: new RemovalWord(self, others, () => {
      log.error(
        { hint: 'To bring this machine back, join anew with an empty folder.' },
        'the other members removed this node from the cluster; it campaigns no more',
      );
    }),
  };
};
