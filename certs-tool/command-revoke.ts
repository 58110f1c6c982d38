// `revoke` and `crl`: takes certificates out of force, and signs the lists that say so.

import type { AuthorityKind } from './authority.ts';
import {
  type AuthorityFolder,
  generationView,
  keyPath,
  openAuthorityFolder,
} from './authority-folder.ts';
import type { Command, Machine, Report, Typed } from './command.ts';
import { usageError } from './command-line.ts';
import { whileLocked } from './folder-lock.ts';
import { GuardRefusal } from './guard-refusal.ts';
import { recordRevoked } from './inventory.ts';
import {
  authorityFolderFrom,
  authorityOption,
  authorityPath,
  daysFrom,
  daysOption,
  kindFrom,
  kindOption,
  passphraseFrom,
  passphraseOption,
} from './options.ts';
import { pemBlocksFrom } from './pem.ts';
import { revocationListFrom } from './read-revocation-list.ts';
import { isRevocationReason, type RevocationReason, revocationReasons } from './revocation-list.ts';
import { listPath, signersOf, type WrittenList, writeLists } from './revoking.ts';
import { isSealedKey } from './sealed-key.ts';
import { dateText, fields } from './show.ts';
import { listLacks, type Meant, meantToRevoke } from './to-revoke.ts';

const reasonFrom = (typed: Typed): RevocationReason => {
  const reason = typed.text('reason') ?? 'unspecified';
  if (isRevocationReason(reason)) return reason;
  throw usageError(
    `--reason is one of ${Object.keys(revocationReasons).join(', ')}`,
    typed.command,
  );
};

const canSign = (folder: AuthorityFolder, kind: AuthorityKind, typed: Typed, machine: Machine) =>
  typed.text('passphrase-file') !== undefined ||
  !(folder.states[kind]?.trusted ?? []).some((generation) =>
    isSealedKey(machine.files.readSecret(keyPath(folder.path, kind, generation))),
  );

const listFields = (list: WrittenList): string[] => {
  const [first] = pemBlocksFrom(list.text);
  return fields(`${list.kind} CA revocation list`, {
    file: list.path,
    number: String(list.number),
    revoked: String(list.revoked),
    'valid until': first === undefined ? undefined : dateText(revocationListFrom(first).nextUpdate),
  });
};

const listData = ({ kind, path, number, revoked }: WrittenList) => ({
  kind,
  path,
  number,
  revoked,
});

/**
 * Refuses what was revoked before; but a list that is without it is still to be made, when that
 * can be done now.
 */
const refuseRevoked = (
  word: string,
  { left, before }: Meant,
  listKinds: readonly AuthorityKind[],
): void => {
  const [first] = before;
  if (left.length > 0 || first === undefined || listKinds.length > 0) return;
  throw new GuardRefusal(
    `${word} was revoked on ${dateText(first.revokedAt)}`,
    'nothing is left to do; `stockade-certs list` shows every certificate',
  );
};

const revokeLocked = (word: string, typed: Typed, machine: Machine): Report => {
  const folder = authorityFolderFrom(typed, machine);
  const reason = reasonFrom(typed);
  const meant = meantToRevoke(word, folder, machine);
  const kinds = (['peer', 'client'] as const).filter((kind) =>
    listLacks(folder, kind, meant, machine),
  );
  const signable = kinds.filter((kind) => canSign(folder, kind, typed, machine));
  refuseRevoked(word, meant, signable);
  const passphrase = passphraseFrom(typed, machine);
  // Before anything is written down: a passphrase that opens nothing has revoked nothing.
  for (const kind of signable) signersOf(folder, kind, passphrase, machine);
  const records = meant.left.map((record) => ({
    ...record,
    issuerKeyId:
      generationView(folder, record.kind, record.generation, machine).extensions.keyId ?? '',
  }));
  const revokedAt = machine.now();
  for (const { serial, holder, kind, generation } of records) {
    recordRevoked(folder, { serial, holder, kind, generation, revokedAt, reason }, machine);
  }
  const lists = signable.map((kind) =>
    writeLists(
      openAuthorityFolder(folder.path, machine),
      { kind, validDays: undefined, passphrase },
      machine,
    ),
  );
  const [earlier] = records.length === 0 ? meant.before : [];
  const names = new Set(
    records.filter(({ kind }) => kind === 'peer').map(({ holder }) => holder.slice(5)),
  );
  return {
    data: {
      revoked: records.map(({ serial, holder, issuerKeyId }) => ({ serial, holder, issuerKeyId })),
      reason,
      lists: lists.map(listData),
    },
    lines: [
      ...records.flatMap((record) =>
        fields(`${record.holder} revoked`, {
          serial: record.serial,
          'issuer key': record.issuerKeyId,
          reason,
        }),
      ),
      ...lists.flatMap(listFields),
    ],
    advice: [
      ...(earlier === undefined
        ? []
        : [`${word} was revoked on ${dateText(earlier.revokedAt)}; the list now says so`]),
      ...[...names].map(
        (name) =>
          `a running cluster evicts it at once with \`stockade deny ${name}\`, for good with \`stockade remove ${name}\``,
      ),
      ...records
        .filter(({ holder }) => holder.startsWith('user:'))
        .map(
          ({ serial }) =>
            `a running cluster shuts it out at once with \`stockade deny --serial ${serial}\``,
        ),
      ...kinds
        .filter((kind) => !signable.includes(kind))
        .map(
          (kind) =>
            `${listPath(folder, kind)} was not renewed, for the CA key is under a passphrase: ` +
            'run `stockade-certs crl --passphrase-file FILE`',
        ),
    ],
  };
};

const lockedFolder = (typed: Typed, machine: Machine): string => {
  authorityFolderFrom(typed, machine);
  return authorityPath(typed);
};

/** Takes certificates out of force. */
export const revoke: Command = {
  name: 'revoke',
  parameters: 'HOLDER|SERIAL|FILE',
  summary:
    'take certificates out of force: all of a holder, or the one with this serial or in this file',
  example: 'revoke user:ada --reason keyCompromise',
  failure: 'nothing was revoked',
  words: { min: 1, max: 1 },
  options: {
    reason: {
      type: 'string',
      value: 'REASON',
      help: `${Object.keys(revocationReasons).join(', ')} (default unspecified)`,
    },
    authority: authorityOption,
    'passphrase-file': passphraseOption,
  },
  run: (typed, machine) =>
    whileLocked(lockedFolder(typed, machine), machine, () =>
      revokeLocked(typed.words[0] ?? '', typed, machine),
    ),
};

const crlLocked = (typed: Typed, machine: Machine): Report => {
  const wanted = kindFrom(typed);
  const passphrase = passphraseFrom(typed, machine);
  const { states } = authorityFolderFrom(typed, machine);
  const there = (['peer', 'client'] as const).filter((kind) => states[kind] !== undefined);
  const lists = (wanted === undefined ? there : [wanted]).map((kind) =>
    writeLists(
      authorityFolderFrom(typed, machine),
      { kind, validDays: daysFrom(typed), passphrase },
      machine,
    ),
  );
  return {
    data: lists.map(listData),
    lines: lists.flatMap(listFields),
    advice: ['a server that is told to read a list needs the next one before this one ends'],
  };
};

/** Signs new revocation lists. */
export const crl: Command = {
  name: 'crl',
  parameters: '',
  summary: 'sign new revocation lists, for clients and other software that read them',
  example: 'crl --kind client --days 30',
  failure: 'no list was made',
  words: { min: 0, max: 0 },
  options: {
    kind: { ...kindOption, help: 'only this CA (default: both)' },
    days: daysOption('until the next list is due (default 30)'),
    authority: authorityOption,
    'passphrase-file': passphraseOption,
  },
  run: (typed, machine) =>
    whileLocked(lockedFolder(typed, machine), machine, () => crlLocked(typed, machine)),
};
