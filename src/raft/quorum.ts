// The arithmetic of majorities (dissertation 3.4, 3.5) and of joint majorities (4.3). Nothing here
// knows roles, logs or messages: only who counts and what is known of each.
import type { Membership } from './membership.ts';
import type { NodeId } from './node-id.ts';

/** How a vote stands. */
export type VoteResult = 'won' | 'lost' | 'pending';

/** How many of `size` are a majority. */
const majorityOf = (size: number): number => Math.floor(size / 2) + 1;

/**
 * The greatest number that a majority of `voters` has reached. Without voters everything is reached
 * (Infinity), so that an absent half of a joint configuration does not hold up the other.
 */
export const majorityReached = (
  voters: readonly NodeId[],
  reachedBy: (node: NodeId) => number,
): number => {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const reached = voters.map(reachedBy).sort((a, b) => b - a);
  return reached[majorityOf(voters.length) - 1] ?? 0;
};

/**
 * The greatest number that a quorum has reached: in a joint configuration both majorities (4.3).
 */
export const quorumReached = (
  membership: Pick<Membership, 'voters' | 'votersOutgoing'>,
  reachedBy: (node: NodeId) => number,
): number =>
  Math.min(
    majorityReached(membership.voters, reachedBy),
    majorityReached(membership.votersOutgoing, reachedBy),
  );

/** Whether a majority of `voters` said yes; `undefined` is "not heard yet". */
export const majorityVote = (
  voters: readonly NodeId[],
  voteOf: (node: NodeId) => boolean | undefined,
): VoteResult => {
  if (voters.length === 0) return 'won';
  let yes = 0;
  let no = 0;
  for (const node of voters) {
    const vote = voteOf(node);
    if (vote === true) yes += 1;
    if (vote === false) no += 1;
  }
  const needed = majorityOf(voters.length);
  if (yes >= needed) return 'won';
  return voters.length - no < needed ? 'lost' : 'pending';
};

/** Whether a quorum said yes: in a joint configuration both majorities, separately (4.3). */
export const quorumVote = (
  membership: Pick<Membership, 'voters' | 'votersOutgoing'>,
  voteOf: (node: NodeId) => boolean | undefined,
): VoteResult => {
  const incoming = majorityVote(membership.voters, voteOf);
  const outgoing = majorityVote(membership.votersOutgoing, voteOf);
  if (incoming === outgoing) return incoming;
  return incoming === 'lost' || outgoing === 'lost' ? 'lost' : 'pending';
};
