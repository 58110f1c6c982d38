// Who has a vote, of either half of a joint configuration.
import type { Membership } from '#raft/membership.ts';

/** The names of all voters; in a joint configuration those of both halves. */
export const votingNames = ({ voters, votersOutgoing }: Membership): ReadonlySet<string> =>
  new Set<string>([...voters, ...votersOutgoing]);
