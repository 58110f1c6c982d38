// Whether a cluster may be created now, by whom, and with whom. Pure. One cluster or none: it is
// created only by the smallest name among exactly as many nodes as expected, when each of them has
// met the same ones, when nobody at any known address is left unexplained, and when each has
// promised, on its disk, to be part of this founding and of no other.
import type { HostPort } from '#transport/peer-address.ts';
import { type Founder, foundingDigest } from './introduction.ts';
import type { Met } from './meet.ts';

/** A promise on this node's disk. */
export interface Pledge {
  /** Digest of the founding. */
  readonly founding: string;
  /** Who makes it: only this node, on this disk, can ever create that cluster. */
  readonly creator: string;
  readonly creatorStoreId: string;
}

/** A node at an address. */
export interface MetAt extends Met {
  /** As an operator knows it. */
  readonly address: string;
  /** Where it answered. */
  readonly at: HostPort;
}

/** What one node knows after a round of dialling. */
export interface View {
  readonly self: Founder;
  readonly run: string;
  readonly expect: number;
  readonly met: readonly MetAt[];
  /** Addresses where nobody was met, each with its reason, as a sentence. */
  readonly unexplained: readonly string[];
  readonly pledge: Pledge | undefined;
}

/** What follows from it. */
export type Decision =
  | { readonly kind: 'wait'; readonly why: string }
  /** Waiting will not help. */
  | { readonly kind: 'refuse'; readonly why: string; readonly hint: string }
  /** The cluster exists, and this node is on its record. */
  | { readonly kind: 'follow'; readonly by: string }
  /** All agree, and this node is the one that creates it, once all have promised. */
  | { readonly kind: 'found'; readonly founders: readonly Founder[]; readonly digest: string }
  /** All agree; another one creates it. */
  | { readonly kind: 'agree'; readonly creator: Founder; readonly digest: string };

const wait = (why: string): Decision => ({ kind: 'wait', why });
const refuse = (why: string, hint: string): Decision => ({ kind: 'refuse', why, hint });

/** The others that were met, each once; a node may be met at several addresses. */
export const othersOf = ({ met, run }: Pick<View, 'met' | 'run'>): readonly MetAt[] => {
  const byRun = new Map(met.map((node) => [node.says.run, node]));
  byRun.delete(run);
  return [...byRun.values()];
};

/** A node that was met, as it would be recorded. */
export const founderOf = ({ name, keyPin, says }: Met): Founder => ({
  name,
  keyPin,
  storeId: says.storeId,
  peerAddress: says.peerAddress,
  apiUrl: says.apiUrl,
});

/** See the head of this file. */
export const decide = (view: View): Decision => obstacleTo(view) ?? agreed(view, othersOf(view));

/** What this node itself has against a founding, whatever the others think of it. */
const obstacleTo = (view: View): Decision | undefined => {
  const others = othersOf(view);
  return (
    twins(view, others) ??
    existing(view, others) ??
    contradiction(view, others) ??
    incomplete(view, others) ??
    pledged(view, others)
  );
};

/** That, as others are told it; empty when there is nothing. */
export const obstacleText = (view: View): string => {
  const obstacle = obstacleTo(view);
  return obstacle === undefined || !('why' in obstacle) ? '' : obstacle.why.slice(0, 400);
};

const twins = ({ self }: View, others: readonly MetAt[]): Decision | undefined => {
  const own = others.find(({ name }) => name === self.name);
  if (own !== undefined) {
    return refuse(
      `another process is ${self.name} too, at ${own.address}`,
      'Stop one of them: a name belongs to one node. A copied folder is no node of its own.',
    );
  }
  for (const node of others) {
    const twin = others.find((other) => other !== node && other.name === node.name);
    if (twin === undefined) continue;
    return refuse(
      `two processes are ${node.name}, at ${node.address} and at ${twin.address}`,
      'Stop the one that does not belong here, and revoke its certificate if it is not yours.',
    );
  }
  return undefined;
};

/** A cluster that exists is never founded a second time. */
const existing = ({ self }: View, others: readonly MetAt[]): Decision | undefined => {
  const members = others.filter(({ says }) => says.stage === 'member');
  const host = members.find(({ says }) => says.stranger === '');
  if (host !== undefined) return { kind: 'follow', by: host.name };
  const [member] = members;
  if (member === undefined) return undefined;
  return refuse(
    `${member.name} at ${member.address} is a member of a cluster already, and not with this node: ${member.says.stranger}`,
    `Let ${self.name} in with a token (stockade admit ${self.name}), or, if that cluster is a left-over, stop ${member.name} and empty its folder.`,
  );
};

const contradiction = (view: View, others: readonly MetAt[]): Decision | undefined => {
  const { self, expect } = view;
  const forming = others.filter(({ says }) => says.stage === 'forming');
  const other = forming.find(({ says }) => says.expect !== expect);
  if (other !== undefined) {
    return refuse(
      `${other.name} expects ${other.says.expect} nodes and ${self.name} expects ${expect}`,
      'Set cluster.bootstrapExpect to the same number on all of them.',
    );
  }
  if (others.length + 1 > expect) {
    const names = [self.name, ...others.map(({ name }) => name)].sort().join(', ');
    return refuse(
      `${others.length + 1} nodes meet (${names}), but ${expect} are expected`,
      'Stop those that do not belong to it, or set cluster.bootstrapExpect to their number on all.',
    );
  }
  return undefined;
};

const incomplete = (view: View, others: readonly MetAt[]): Decision | undefined => {
  const joining = others.find(({ says }) => says.stage === 'joining');
  if (joining !== undefined) return wait(`${joining.name} waits for its cluster`);
  const missing = view.expect - others.length - 1;
  if (missing > 0) {
    const names = [view.self.name, ...others.map(({ name }) => name)].sort().join(', ');
    const where = view.unexplained.length === 0 ? '' : `; ${view.unexplained.join('; ')}`;
    return wait(`${missing} of ${view.expect} nodes missing, met: ${names}${where}`);
  }
  const [unexplained] = view.unexplained;
  if (unexplained === undefined) return undefined;
  return wait(`${view.expect} nodes have met, but an address is left: ${unexplained}`);
};

/** A promise binds until its creator, and nobody else can know, says that it makes another one. */
const pledged = ({ pledge, self }: View, others: readonly MetAt[]): Decision | undefined => {
  if (pledge === undefined) return undefined;
  const founders = [self, ...others.map(founderOf)];
  if (pledge.founding === foundingDigest(founders)) return undefined;
  return wait(
    `this node promised ${pledge.creator} to found a cluster with others than these; it waits for ${pledge.creator}, or for an empty folder`,
  );
};

const agreed = ({ self }: View, others: readonly MetAt[]): Decision => {
  const founders = [self, ...others.map(founderOf)].sort((a, b) => (a.name < b.name ? -1 : 1));
  const digest = foundingDigest(founders);
  const [creator = self] = founders;
  const different = others.find(({ says }) => foundingDigest(says.seen) !== digest);
  if (different !== undefined) {
    return wait(`${different.name} has met others than ${self.name} so far`);
  }
  const blocked = others.find(({ says }) => says.obstacle !== '');
  if (blocked !== undefined) return wait(`${blocked.name} waits: ${blocked.says.obstacle}`);
  const bound = others.find(({ says }) => says.pledge !== '' && says.pledge !== digest);
  if (bound !== undefined) return wait(`${bound.name} promised to be part of another founding`);
  return creator.name === self.name
    ? { kind: 'found', founders, digest }
    : { kind: 'agree', creator, digest };
};

/** Whether a promise is void: its creator, on the same disk, is making none or another one. */
export const isReleased = (pledge: Pledge, met: readonly Met[]): boolean =>
  met.some(
    ({ name, says }) =>
      name === pledge.creator &&
      says.storeId === pledge.creatorStoreId &&
      says.stage === 'forming' &&
      says.founding !== pledge.founding,
  );
