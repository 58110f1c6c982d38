// Which changes of the voters would leave the cluster without a quorum. Pure; asked by the leader
// before it proposes, with what it sees of the others at that moment.

/** The voters, and those of them that answer now (the leader itself among them). */
export interface VotersSeen {
  readonly voters: readonly string[];
  readonly up: readonly string[];
}

const majorityOf = (voters: number): number => Math.floor(voters / 2) + 1;

/** Why a voter cannot be removed now, or undefined. */
export const removalProblem = ({ voters, up }: VotersSeen, name: string): string | undefined => {
  if (!voters.includes(name)) return undefined;
  const rest = voters.filter((voter) => voter !== name);
  if (rest.length === 0) return `${name} is the last voter`;
  const living = rest.filter((voter) => up.includes(voter));
  const needed = majorityOf(rest.length);
  if (living.length >= needed) return undefined;
  const dead = rest.filter((voter) => !up.includes(voter));
  return `of the ${rest.length} voters that would be left, ${needed} must answer and ${dead.join(' and ')} ${dead.length === 1 ? 'does' : 'do'} not`;
};

/**
 * Why these members cannot be denied now, or undefined: they stay voters, so those that are left
 * must be a majority of all. Who is denied already is not left either, though it may still answer.
 */
export const denialProblem = (
  { voters, up }: VotersSeen,
  wanted: readonly string[],
  denied: readonly string[],
): string | undefined => {
  if (!wanted.some((name) => voters.includes(name) && !denied.includes(name))) return undefined;
  const out = new Set([...wanted, ...denied]);
  const living = voters.filter((voter) => !out.has(voter) && up.includes(voter)).length;
  const needed = majorityOf(voters.length);
  if (living >= needed) return undefined;
  const without = wanted.length === 1 ? 'it' : 'them';
  return `of the ${voters.length} voters ${needed} must answer, and without ${without} ${living} would`;
};

/**
 * Why a learner cannot become a voter now, or undefined: the cluster must live on if the newcomer
 * dies at once. The second voter is the exception, for there is no way around it.
 */
export const promotionProblem = ({ voters, up }: VotersSeen): string | undefined => {
  if (voters.length <= 1) return undefined;
  const needed = majorityOf(voters.length + 1);
  const living = voters.filter((voter) => up.includes(voter));
  if (living.length >= needed) return undefined;
  return `with one more voter ${needed} must answer, and of the present ones only ${living.length} do`;
};

/**
 * Automatic removal never leaves fewer voters. Below, it would not make the cluster safer: two
 * voters survive no loss, as three of which one is dead do not, and the dead one may come back.
 */
const reapVotersMin = 3;

/** Why a silent member is not removed without an operator, or undefined. */
export const reapProblem = (seen: VotersSeen, name: string): string | undefined => {
  if (!seen.voters.includes(name)) return undefined;
  if (seen.voters.length - 1 < reapVotersMin) {
    return `fewer than ${reapVotersMin} voters would be left`;
  }
  return removalProblem(seen, name);
};
