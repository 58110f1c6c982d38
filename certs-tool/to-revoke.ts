// What `revoke` is to take out of force, what of it was revoked before, and whether the lists in
// the folder say so. Looks only; writes nothing.
import { CodedError } from '#errors.ts';
import type { AuthorityKind } from './authority.ts';
import type { AuthorityFolder } from './authority-folder.ts';
import type { Machine } from './command.ts';
import { holderFrom, holderText } from './holder.ts';
import { type IssuedRecord, issuedIn, type RevokedRecord, revokedIn } from './inventory.ts';
import { pemBlocksFrom } from './pem.ts';
import { certificateFrom } from './read-certificate.ts';
import { revocationListFrom } from './read-revocation-list.ts';
import { listPath } from './revoking.ts';

/** The certificates that a word means. */
export interface Meant {
  /** Still to be revoked, oldest first. */
  readonly left: readonly IssuedRecord[];
  /** Revoked before. */
  readonly before: readonly RevokedRecord[];
}

/** A file, a serial number, or all of a holder that have not ended, the revoked ones too. */
const issuedAs = (
  word: string,
  folder: AuthorityFolder,
  machine: Machine,
): readonly IssuedRecord[] => {
  const bySerial = (serial: string) =>
    issuedIn(folder, machine).filter((record) => record.serial === serial);
  const serial = word.toLowerCase().replaceAll(':', '');
  if (/^[0-9a-f]{16,40}$/.test(serial)) return bySerial(serial);
  if (machine.files.stateOf(word)?.kind === 'file') {
    return bySerial(certificateFrom(machine.files.readText(word)).serial);
  }
  const holder = holderText(holderFrom(word));
  const now = machine.now();
  return issuedIn(folder, machine).filter(
    (record) => record.holder === holder && record.notAfter > now,
  );
};

/**
 * What `word` means: a holder, a serial number or a file.
 *
 * @throws CodedError `config_invalid` when the folder has issued nothing of the kind
 */
export const meantToRevoke = (word: string, folder: AuthorityFolder, machine: Machine): Meant => {
  const issued = issuedAs(word, folder, machine);
  if (issued.length === 0) {
    throw new CodedError(
      'config_invalid',
      `${folder.path} has issued nothing in force for ${word}`,
      {
        hint: '`stockade-certs list` shows every certificate that was issued',
      },
    );
  }
  const serials = new Set(issued.map(({ serial }) => serial));
  const before = revokedIn(folder, machine).filter(({ serial }) => serials.has(serial));
  const revoked = new Set(before.map(({ serial }) => serial));
  return { left: issued.filter(({ serial }) => !revoked.has(serial)), before };
};

const serialsListed = (path: string, { files }: Machine): ReadonlySet<string> =>
  new Set(
    files.stateOf(path) === undefined
      ? []
      : pemBlocksFrom(files.readText(path)).flatMap((block) => revocationListFrom(block).serials),
  );

/**
 * Whether the authority's list in the folder is without one of these certificates: to be revoked
 * now, or revoked before, by a command that could not sign the list or was cut off.
 */
export const listLacks = (
  folder: AuthorityFolder,
  kind: AuthorityKind,
  { left, before }: Meant,
  machine: Machine,
): boolean => {
  if (left.some((record) => record.kind === kind)) return true;
  const trusted = folder.states[kind]?.trusted ?? [];
  const listable = before.filter(
    (record) => record.kind === kind && trusted.includes(record.generation),
  );
  if (listable.length === 0) return false;
  const listed = serialsListed(listPath(folder, kind), machine);
  return listable.some(({ serial }) => !listed.has(serial));
};
