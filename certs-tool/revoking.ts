// Revocation in an authority folder: which certificates are in force, and the signed lists of
// those that are no longer.
import { join } from 'node:path';
import type { Authority, AuthorityKind } from './authority.ts';
import { type AuthorityFolder, saveState, signingAuthority, stateOf } from './authority-folder.ts';
import type { Machine } from './command.ts';
import { publicMode } from './files.ts';
import { type IssuedRecord, issuedIn, revokedIn } from './inventory.ts';
import { createRevocationList } from './revocation-list.ts';

/**
 * Where the revocation lists of one authority are: one for each trusted generation, in one file.
 */
export const listPath = ({ path }: AuthorityFolder, kind: AuthorityKind): string =>
  join(path, `${kind}-ca.crl`);

/** Certificates that have neither expired nor been revoked, oldest first. */
export const inForce = (folder: AuthorityFolder, machine: Machine): readonly IssuedRecord[] => {
  const revoked = new Set(revokedIn(folder, machine).map(({ serial }) => serial));
  const now = machine.now();
  return issuedIn(folder, machine).filter(
    ({ serial, notAfter }) => notAfter > now && !revoked.has(serial),
  );
};

/** What a new list is made with. */
export interface ListWish {
  readonly kind: AuthorityKind;
  readonly validDays: number | undefined;
  readonly passphrase: () => string;
}

/** The file that was written. */
export interface WrittenList {
  readonly kind: AuthorityKind;
  readonly path: string;
  readonly number: number;
  readonly revoked: number;
  readonly text: string;
}

/**
 * Certificates and open keys of the trusted generations, newest first.
 *
 * @throws CodedError `certificate_invalid` when the passphrase is wrong
 */
export const signersOf = (
  folder: AuthorityFolder,
  kind: AuthorityKind,
  passphrase: () => string,
  machine: Machine,
): readonly { readonly generation: number; readonly authority: Authority }[] =>
  stateOf(folder, kind)
    .trusted.toReversed()
    .map((generation) => ({
      generation,
      authority: signingAuthority(folder, kind, generation, passphrase, machine),
    }));

/**
 * Signs new lists of an authority, newest generation first: a rollover needs one for each
 * trusted CA. The caller holds the folder's lock.
 */
export const writeLists = (
  folder: AuthorityFolder,
  { kind, validDays, passphrase }: ListWish,
  machine: Machine,
): WrittenList => {
  const state = stateOf(folder, kind);
  const number = state.crlNumber + 1;
  const records = revokedIn(folder, machine).filter((record) => record.kind === kind);
  const lists = signersOf(folder, kind, passphrase, machine).map(({ generation, authority }) =>
    createRevocationList({
      authority,
      kind,
      cluster: folder.cluster,
      number,
      revoked: records.filter((record) => record.generation === generation),
      now: machine.now(),
      ...(validDays === undefined ? {} : { validDays }),
    }),
  );
  // The number first: one that was used and lost does no harm, one used twice hides a revocation.
  saveState(folder, kind, { ...state, crlNumber: number }, machine);
  const path = listPath(folder, kind);
  const text = lists.join('');
  machine.files.replace({ path, text, mode: publicMode });
  const revoked = records.filter(({ generation }) => state.trusted.includes(generation)).length;
  return { kind, path, number, revoked, text };
};
