// What an authority has issued and revoked: two files of JSON lines in its folder, appended to
// and never rewritten (docs/formats/authority-folder.md).
import { join } from 'node:path';
import { CodedError } from '#errors.ts';
import type { AuthorityKind } from './authority.ts';
import type { AuthorityFolder } from './authority-folder.ts';
import type { Machine } from './command.ts';
import { isRevocationReason, type RevocationReason } from './revocation-list.ts';

/** One issued certificate. */
export interface IssuedRecord {
  readonly serial: string;
  /** As holderText writes it. */
  readonly holder: string;
  readonly kind: AuthorityKind;
  readonly generation: number;
  readonly hosts: readonly string[];
  readonly notAfter: Date;
  readonly keyPin: string;
}

/** One revoked certificate. */
export interface RevokedRecord {
  readonly serial: string;
  readonly holder: string;
  readonly kind: AuthorityKind;
  readonly generation: number;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
}

const version = 1;

/** The line of a record. */
const recordLine = (record: IssuedRecord | RevokedRecord): string =>
  JSON.stringify({ version, ...record });

type Fields = Readonly<Record<string, unknown>>;

const fieldsFrom = (line: string): Fields | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined;
  } catch {
    return undefined;
  }
};

const dateOf = (value: unknown): Date | undefined => {
  const date = typeof value === 'string' ? new Date(value) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date;
};

const textOf = (value: unknown, form: RegExp): string | undefined =>
  typeof value === 'string' && form.test(value) ? value : undefined;

const basisOf = ({ serial: digits, holder: name, kind, generation }: Fields) => {
  const serial = textOf(digits, /^[0-9a-f]{2,40}$/);
  const holder = textOf(name, /^(node|user|https):[\x21-\x7e]{1,253}$/);
  if (serial === undefined || holder === undefined) return undefined;
  if (kind !== 'peer' && kind !== 'client') return undefined;
  if (typeof generation !== 'number' || !Number.isSafeInteger(generation)) return undefined;
  return { serial, holder, kind, generation } as const;
};

const issuedFrom = (fields: Fields): IssuedRecord | undefined => {
  const { hosts, notAfter: end, keyPin: pin } = fields;
  const basis = basisOf(fields);
  const notAfter = dateOf(end);
  const keyPin = textOf(pin, /^[0-9a-f]{64}$/);
  if (basis === undefined || notAfter === undefined || keyPin === undefined) return undefined;
  return Array.isArray(hosts)
    ? { ...basis, hosts: hosts.map(String), notAfter, keyPin }
    : undefined;
};

const revokedFrom = (fields: Fields): RevokedRecord | undefined => {
  const { revokedAt: when, reason: name } = fields;
  const basis = basisOf(fields);
  const revokedAt = dateOf(when);
  const reason = textOf(name, /^[A-Za-z]+$/);
  if (basis === undefined || revokedAt === undefined) return undefined;
  return reason !== undefined && isRevocationReason(reason)
    ? { ...basis, revokedAt, reason }
    : undefined;
};

const recordOn = <Record>(
  line: string,
  recordFrom: (fields: Fields) => Record | undefined,
): Record | undefined => {
  const fields = fieldsFrom(line);
  const { version: found } = fields ?? {};
  return fields === undefined || found !== version ? undefined : recordFrom(fields);
};

const recordsFrom = <Record>(
  text: string,
  path: string,
  recordFrom: (fields: Fields) => Record | undefined,
): Record[] =>
  text.split('\n').flatMap((line, index) => {
    if (line === '') return [];
    const record = recordOn(line, recordFrom);
    if (record !== undefined) return [record];
    throw new CodedError('config_invalid', `${path}: line ${index + 1} is not a record`, {
      hint: 'restore the file from a backup; a cut last line after a crash can be deleted',
    });
  });

/** @throws CodedError `config_invalid` that names the first line that is no record */
const issuedRecordsFrom = (text: string, path: string): readonly IssuedRecord[] =>
  recordsFrom(text, path, issuedFrom);

/** @throws CodedError `config_invalid` that names the first line that is no record */
const revokedRecordsFrom = (text: string, path: string): readonly RevokedRecord[] =>
  recordsFrom(text, path, revokedFrom);

const issuedPath = (path: string): string => join(path, 'issued.jsonl');
const revokedPath = (path: string): string => join(path, 'revoked.jsonl');

/** All that was issued, oldest first. */
export const issuedIn = (
  { path }: AuthorityFolder,
  { files }: Machine,
): readonly IssuedRecord[] => {
  const file = issuedPath(path);
  return files.stateOf(file) === undefined ? [] : issuedRecordsFrom(files.readText(file), file);
};

/** All that was revoked, oldest first. */
export const revokedIn = (
  { path }: AuthorityFolder,
  { files }: Machine,
): readonly RevokedRecord[] => {
  const file = revokedPath(path);
  return files.stateOf(file) === undefined ? [] : revokedRecordsFrom(files.readText(file), file);
};

/**
 * Adds a record. One behind a line that a crash has cut would be glued to it, and lost with it:
 * that is refused. A whole record that lacks only its end of line gets one.
 */
const append = <Record extends IssuedRecord | RevokedRecord>(
  path: string,
  record: Record,
  recordFrom: (fields: Fields) => Record | undefined,
  { files }: Machine,
): void => {
  const before = files.stateOf(path) === undefined ? '' : files.readText(path);
  const ended = before === '' || before.endsWith('\n');
  const end = ended ? before.length - 1 : before.length;
  const last = end <= 0 ? '' : before.slice(before.lastIndexOf('\n', end - 1) + 1, end);
  // All of them, for the number of the line that it names.
  if (last !== '' && recordOn(last, recordFrom) === undefined) {
    recordsFrom(before, path, recordFrom);
  }
  files.appendLine(path, `${ended ? '' : '\n'}${recordLine(record)}`);
};

/**
 * Writes a certificate down; done before it is handed out, so that none exists unrecorded.
 *
 * @throws CodedError `config_invalid` when the last line is no record
 */
export const recordIssued = (
  { path }: AuthorityFolder,
  record: IssuedRecord,
  machine: Machine,
): void => append(issuedPath(path), record, issuedFrom, machine);

/** Writes a revocation down. @throws CodedError as {@link recordIssued} */
export const recordRevoked = (
  { path }: AuthorityFolder,
  record: RevokedRecord,
  machine: Machine,
): void => append(revokedPath(path), record, revokedFrom, machine);
