// Whom a denial would cut off, and whether the cluster would live on without them. A certificate
// counts as its member: by the pin of its key where the certificate was at hand, and by what
// members show on their connections where there is only a serial number. Pure; asked by the leader
// before it proposes.
import type { ClusterRecord, MemberRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import { type CertificateMarks, isDeniedBy } from '#tls/deny-list.ts';
import type { Deniable } from './membership-records.ts';
import { denialProblem, type VotersSeen } from './quorum-guard.ts';

/** What the leader sees of the members. */
export interface Sight {
  readonly self: string;
  readonly voters: VotersSeen;
  /** The certificates that a member shows now, this node among them; none when it is away. */
  readonly shownBy: (name: string) => readonly CertificateMarks[];
}

const showsIt = (denial: Deniable, { name }: MemberRecord, { shownBy }: Sight): boolean =>
  shownBy(name).some((marks) => isDeniedBy(denial, marks, name));

/** The member that a denial is about; undefined for a user's certificate, or one not known here. */
const memberOf = (
  denial: Deniable,
  { members }: ClusterRecord,
  sight: Sight,
): MemberRecord | undefined =>
  members.find((member) =>
    denial.name === ''
      ? member.keyPin === denial.keyPin || showsIt(denial, member, sight)
      : member.name === denial.name,
  );

/** Whom the denials in force keep away: one that showed another certificate since came back. */
const keptAway = (record: ClusterRecord, sight: Sight): readonly string[] =>
  record.members
    .filter((member) =>
      record.denied.some((denial) => denial.name === member.name || showsIt(denial, member, sight)),
    )
    .map(({ name }) => name);

/** The denials as they are to be recorded, each with the member that it is about. */
const judged = (record: ClusterRecord, wanted: readonly Deniable[], sight: Sight) =>
  wanted.map(({ name, serial, issuer, ...shown }) => {
    const member = memberOf({ name, serial, issuer, ...shown }, record, sight);
    const of = name === '' && member !== undefined ? { keyPin: member.keyPin } : {};
    return { member: member?.name, denial: { name, serial, issuer, ...of } };
  });

const refuseSelf = (all: ReturnType<typeof judged>, { self }: Sight): void => {
  if (all.some(({ member }) => member === self)) throw ownNode(self, 'denies');
};

/** @throws CodedError `bad_request` when one of them is about this node itself */
export const refuseOwnDenial = (
  record: ClusterRecord,
  wanted: readonly Deniable[],
  sight: Sight,
): void => refuseSelf(judged(record, wanted, sight), sight);

/**
 * Denials as they are to be recorded: with the key pin of the member where they are of one's
 * certificate, and with no other.
 *
 * @throws CodedError `bad_request` for this node itself, `not_ready` when the rest would have no
 *   quorum
 */
export const judgedDenials = (
  record: ClusterRecord,
  wanted: readonly Deniable[],
  sight: Sight,
): readonly Deniable[] => {
  const all = judged(record, wanted, sight);
  refuseSelf(all, sight);
  const members = [...new Set(all.flatMap(({ member }) => member ?? []))];
  const problem = denialProblem(sight.voters, members, keptAway(record, sight));
  if (problem !== undefined) {
    const names = members.join(' and ');
    throw new CodedError('not_ready', `denying ${names} would lose the quorum: ${problem}`, {
      hint: `Remove ${members.length === 1 ? 'it' : 'them one by one'} instead (stockade remove NAME), or start the nodes that do not answer.`,
    });
  }
  return all.map(({ denial }) => denial);
};

/** A node is asked to shut itself out. */
export const ownNode = (name: string, verb: string): CodedError =>
  new CodedError('bad_request', `${name} is this node itself`, {
    hint: `Run the command on another member: it takes over the leadership, if need be, and ${verb} this one.`,
  });
