// What a change of membership makes of the cluster's record: pure, and the only place that says
// who may become a member. Every refusal is a sentence for the person who asked.
import { deniedMax, grantsMax, tombstonesMax } from '#command/cluster-record-codec.ts';
import type { ClusterRecord, DeniedRecord, GrantRecord, MemberRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';

/** Used and expired grants are told apart from unknown ones for this long. */
const grantMemoryMs = 24 * 3_600_000;

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : 1;

const memberOf = (record: ClusterRecord, name: string): MemberRecord | undefined =>
  record.members.find((member) => member.name === name);

/**
 * Opens grants. A name has one at a time: an unused one of the same name is void from here on.
 *
 * @throws CodedError `already_exists` when a name is a member's, `queue_full` beyond 64 grants
 */
export const withGrants = (
  record: ClusterRecord,
  opened: readonly GrantRecord[],
  nowMs: number,
): ClusterRecord => {
  const taken = opened.find(({ name }) => memberOf(record, name) !== undefined);
  if (taken !== undefined) {
    throw new CodedError('already_exists', `${taken.name} is a member already`, {
      hint: `Choose another name, or remove it first: stockade remove ${taken.name}`,
    });
  }
  const kept = record.grants.filter(
    ({ name, usedMs, expiresMs }) =>
      expiresMs + grantMemoryMs > nowMs &&
      (usedMs !== 0 || opened.every((grant) => grant.name !== name)),
  );
  const grants = [...kept, ...opened];
  if (grants.length > grantsMax) {
    throw new CodedError('queue_full', `the cluster remembers at most ${grantsMax} join tokens`, {
      hint: 'Wait until some are a day old, or admit fewer nodes at a time.',
    });
  }
  return { ...record, grants };
};

/** When and from where somebody applies. */
export interface Applied {
  readonly nowMs: number;
  /** ip:port */
  readonly from: string;
}

/** Minutes, for a sentence. */
const minutesText = (ms: number): string => {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
};

const noPermission = (message: string, hint: string): CodedError =>
  new CodedError('permission_denied', message, { hint });

/**
 * Adds a member by its grant, and marks the grant used: one record, so one entry. The same node
 * with the same key and disk again changes nothing: its first answer was lost.
 *
 * @param publicKey of the grant that the newcomer has proved
 * @throws CodedError `permission_denied` when the grant is unknown, used, expired or of another
 * name, when the name is denied, or when disk or key were removed or are another member's;
 * `already_exists` when the name is another's
 */
export const withMember = (
  record: ClusterRecord,
  publicKey: string,
  newcomer: MemberRecord,
  { nowMs, from }: Applied,
): ClusterRecord => {
  const { name, storeId, keyPin } = newcomer;
  const grant = record.grants.find((candidate) => candidate.publicKey === publicKey);
  const again = `Make a new one where the CA key is: stockade admit ${name}`;
  if (grant === undefined) {
    throw noPermission(`the token for ${name} is not known to this cluster (any longer)`, again);
  }
  if (grant.name !== name) {
    throw noPermission(`the token is for ${grant.name}, not for ${name}`, again);
  }
  if (record.denied.some((denial) => denial.name === name)) {
    throw noPermission(
      `${name} is denied in this cluster`,
      `An operator lifts that with: stockade deny --lift ${name}`,
    );
  }
  const member = memberOf(record, name);
  if (grant.usedMs !== 0) {
    if (member?.storeId === storeId && member.keyPin === keyPin) return record;
    const when = new Date(grant.usedMs).toISOString();
    throw noPermission(
      `the token for ${name} has been used, at ${when} from ${grant.usedFrom}`,
      `If that was not you, remove the intruder: stockade remove ${name}. ${again}`,
    );
  }
  if (nowMs > grant.expiresMs) {
    const since = minutesText(nowMs - grant.expiresMs);
    throw noPermission(`the token for ${name} expired ${since} ago`, again);
  }
  if (member !== undefined) {
    throw new CodedError('already_exists', `${name} is a member already`, {
      hint: `Remove the other one first: stockade remove ${name}`,
    });
  }
  // Removing the newcomer later would bury the disk of the member whose identity it had taken.
  if (record.members.some((other) => other.storeId === storeId || other.keyPin === keyPin)) {
    throw noPermission(
      `the disk or the key of ${name} is another member's`,
      'Join with an empty folder; a copied one is no node of its own.',
    );
  }
  const buried = record.tombstones.some(
    (tombstone) => tombstone.storeId === storeId || tombstone.keyPin === keyPin,
  );
  if (buried) {
    throw noPermission(
      `the disk or the key of ${name} is of a node that was removed`,
      'Join with an empty folder.',
    );
  }
  const added = grant.readReplica ? { ...newcomer, readReplica: true } : newcomer;
  return {
    ...record,
    members: [...record.members, added].sort(byName),
    grants: record.grants.map((open) =>
      open === grant ? { ...grant, usedMs: nowMs, usedFrom: from } : open,
    ),
  };
};

const unknownMember = (record: ClusterRecord, name: string): CodedError =>
  new CodedError('not_found', `there is no member ${name}`, {
    hint: `The members are ${record.members.map((other) => other.name).join(', ')}.`,
  });

/** Lets a member vote. @throws CodedError `not_found` when there is no such member */
export const asVoter = (record: ClusterRecord, name: string): ClusterRecord => {
  const member = memberOf(record, name);
  if (member === undefined) throw unknownMember(record, name);
  const { readReplica: _never, ...voter } = member;
  return {
    ...record,
    members: record.members.map((other) => (other === member ? voter : other)),
  };
};

/**
 * Records where a member can be reached now; the same record when nothing changes.
 *
 * @throws CodedError `not_found` when there is no such member
 */
export const withAddresses = (
  record: ClusterRecord,
  name: string,
  { peerAddress, apiUrl }: Pick<MemberRecord, 'peerAddress' | 'apiUrl'>,
): ClusterRecord => {
  const member = memberOf(record, name);
  if (member === undefined) throw unknownMember(record, name);
  if (member.peerAddress === peerAddress && member.apiUrl === apiUrl) return record;
  const moved = { ...member, peerAddress, apiUrl };
  return {
    ...record,
    members: record.members.map((other) => (other === member ? moved : other)),
  };
};

/**
 * Removes a member and buries its disk and its key.
 *
 * @throws CodedError `not_found` when there is no such member
 */
export const withoutMember = (record: ClusterRecord, name: string): ClusterRecord => {
  const member = memberOf(record, name);
  if (member === undefined) throw unknownMember(record, name);
  const { storeId, keyPin } = member;
  const tombstones = [...record.tombstones, { name, storeId, keyPin }];
  return {
    ...record,
    members: record.members.filter((other) => other !== member),
    tombstones: tombstones.slice(-tombstonesMax),
  };
};

/** What a denial is about: a node by name, or a certificate by serial (and authority). */
export type Deniable = Pick<DeniedRecord, 'name' | 'serial' | 'issuer' | 'keyPin'>;

const isSame = (a: Deniable, b: Deniable): boolean =>
  a.name === b.name && a.serial === b.serial && (a.issuer === b.issuer || b.issuer === '');

/** A member, or somebody who may become one. */
const isExpected = (record: ClusterRecord, name: string): boolean =>
  memberOf(record, name) !== undefined ||
  record.grants.some((grant) => grant.name === name && grant.usedMs === 0);

/**
 * Shuts out nodes and certificates; what is denied already stays as it is.
 *
 * @throws CodedError `not_found` for a name that is nobody's, `queue_full` beyond 512 denials: none
 *   is ever forgotten
 */
export const withDenied = (
  record: ClusterRecord,
  wanted: readonly Deniable[],
  { reason, nowMs }: { readonly reason: string; readonly nowMs: number },
): ClusterRecord => {
  const fresh = wanted.filter((what) => !record.denied.some((denial) => isSame(what, denial)));
  if (fresh.length === 0) return record;
  const nobody = fresh.find(({ name }) => name !== '' && !isExpected(record, name));
  if (nobody !== undefined) throw unknownMember(record, nobody.name);
  const denied = [...record.denied, ...fresh.map((what) => ({ ...what, deniedMs: nowMs, reason }))];
  if (denied.length > deniedMax) {
    throw new CodedError('queue_full', `the cluster remembers at most ${deniedMax} denials`, {
      hint: 'Lift those of certificates that have expired, or replace the CA: stockade-certs rotate',
    });
  }
  return { ...record, denied };
};

/** Lifts denials. @throws CodedError `not_found` when one of them is not denied */
export const withoutDenied = (
  record: ClusterRecord,
  lifted: readonly Deniable[],
): ClusterRecord => {
  const matches = (denial: DeniedRecord, { name, serial }: Deniable): boolean =>
    denial.name === name && denial.serial === serial;
  const unknown = lifted.find((what) => !record.denied.some((denial) => matches(denial, what)));
  if (unknown !== undefined) {
    throw new CodedError('not_found', `${unknown.name || unknown.serial} is not denied`, {
      hint: 'What is denied: stockade deny --list',
    });
  }
  return {
    ...record,
    denied: record.denied.filter((denial) => !lifted.some((what) => matches(denial, what))),
  };
};
