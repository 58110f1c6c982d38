// The description that lies beside every backup in a store: what it is of and how to know that it
// is whole. It is written last, so a backup without one is none. docs/formats/backup.md has the
// page.
import { CodedError } from '#errors.ts';

/** Version of the description. */
export const manifestFormat = 1;

/** A backup's description. */
export interface Manifest {
  readonly format: typeof manifestFormat;
  /** Id of the cluster, and who made it. */
  readonly cluster: string;
  readonly node: string;
  readonly version: string;
  /** The last entry that it holds. */
  readonly index: number;
  readonly term: number;
  /** Milliseconds since 1970. */
  readonly takenMs: number;
  /** Content hash of the state that it was taken from (docs/formats/database.md), hexadecimal. */
  readonly content: string;
  readonly rows: number;
  /** Of the database file. */
  readonly databaseBytes: number;
  readonly compressed: boolean;
  /** Of what is stored: size, and SHA-256 in hexadecimal. */
  readonly bytes: number;
  readonly sha256: string;
}

/** As it is stored. */
export const manifestText = (manifest: Manifest): string =>
  `${JSON.stringify(manifest, undefined, 2)}\n`;

const isWhole = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const isDigest = (value: unknown): boolean =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

const wholeKeys = ['index', 'term', 'takenMs', 'rows', 'databaseBytes', 'bytes'] as const;
const textKeys = ['cluster', 'node', 'version'] as const;

/** @throws CodedError `backup_invalid` for anything that is not one */
export const manifestFrom = (name: string, text: string): Manifest => {
  const invalid = (why: string): CodedError =>
    new CodedError('backup_invalid', `the description of ${name} ${why}`, {
      hint: 'Take another backup from the store.',
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('is not JSON');
  }
  if (typeof value !== 'object' || value === null) throw invalid('is no object');
  const fields = value as Readonly<Record<string, unknown>>;
  if (fields['format'] !== manifestFormat) {
    throw invalid(`has format ${String(fields['format'])}, this version reads ${manifestFormat}`);
  }
  const wrong =
    wholeKeys.find((key) => !isWhole(fields[key])) ??
    textKeys.find((key) => typeof fields[key] !== 'string') ??
    (['content', 'sha256'] as const).find((key) => !isDigest(fields[key]));
  if (wrong !== undefined) throw invalid(`has no sound ${wrong}`);
  if (typeof fields['compressed'] !== 'boolean') throw invalid('has no sound compressed');
  // Every key was looked at.
  return fields as unknown as Manifest;
};
