// Who is wrong when replicas differ: a pure function of who agrees with whom. Only voters decide,
// and only a majority of all of them is believed; who is not known counts for nobody.

/** How two nodes compare. */
export type Relation = 'same' | 'different' | 'unknown';

/** What the leader knows. */
export interface VerdictQuestion {
  /** The leader. */
  readonly self: string;
  /** Every voter, the leader too. */
  readonly voters: readonly string[];
  /** Every other member, learners too. */
  readonly others: readonly string[];
  readonly relation: (left: string, right: string) => Relation;
}

/** What follows from it. */
export type Verdict =
  | { readonly kind: 'agree' }
  /** A majority does as the leader does; these do not. */
  | { readonly kind: 'followers-differ'; readonly nodes: readonly string[] }
  /** A majority agrees, and the leader is not of it. */
  | { readonly kind: 'leader-differs'; readonly nodes: readonly string[] }
  /** These differ from the leader, and nobody has a majority: who is right is not known. */
  | { readonly kind: 'no-majority'; readonly nodes: readonly string[] };

/** The verdict; `agree` where no difference is known. */
export const verdictOf = (question: VerdictQuestion): Verdict => {
  const { self, voters, others, relation } = question;
  const different = others.filter((other) => relation(self, other) === 'different');
  if (different.length === 0) return { kind: 'agree' };
  const quorum = Math.floor(voters.length / 2) + 1;
  const withLeader = voters.filter(
    (voter) => voter === self || relation(self, voter) === 'same',
  ).length;
  if (withLeader >= quorum) return { kind: 'followers-differ', nodes: different };
  const against = different.filter((name) => voters.includes(name));
  for (const name of against) {
    const group = against.filter((other) => other === name || relation(name, other) === 'same');
    if (group.length >= quorum) return { kind: 'leader-differs', nodes: group };
  }
  return { kind: 'no-majority', nodes: different };
};
