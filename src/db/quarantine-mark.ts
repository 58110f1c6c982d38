// The word that a database is not what the others have. It lies in the folder of its generation,
// because it is about that one: an image that takes its place comes without it, in the same rename.
// The page docs/formats/agreement.md describes the file.
import { dirname, join } from 'node:path';
import type { FileSystem } from '#io/file-system.ts';
import { writeFileAtomically } from '#io/write-file-atomically.ts';
import { currentDatabaseFiles, type FileEffects } from './database-files.ts';

const fileName = 'quarantine.json';
const fileBytesMax = 4096;
const formatVersion = 1;

/** Why a database is not to be read. */
export interface QuarantineMark {
  /** A sentence. */
  readonly reason: string;
  /** At which entry the difference was seen. */
  readonly index: number;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
}

const pathOf = (dataFolder: string, files: FileSystem): string =>
  join(dirname(currentDatabaseFiles(dataFolder, files).database), fileName);

/** Marks the current generation; durable when this returns. */
export const writeQuarantine = (
  dataFolder: string,
  mark: QuarantineMark,
  effects: FileEffects,
): void => {
  const content = Buffer.from(`${JSON.stringify({ version: formatVersion, ...mark })}\n`);
  writeFileAtomically({ path: pathOf(dataFolder, effects.files), content }, effects);
};

/**
 * The mark of the current generation; undefined: it has none. A mark that cannot be read still is
 * one: whoever wrote it had a reason.
 */
export const readQuarantine = (
  dataFolder: string,
  files: FileSystem,
): QuarantineMark | undefined => {
  const path = pathOf(dataFolder, files);
  if (files.status(path) === undefined) return undefined;
  const file = files.open(path, 'read');
  try {
    const bytes = Buffer.alloc(fileBytesMax);
    return markFrom(bytes.toString('utf8', 0, file.read(bytes, 0)));
  } finally {
    file.close();
  }
};

const markFrom = (text: string): QuarantineMark => {
  const fields = fieldsOf(text);
  const { reason, index, sinceMs } = fields;
  return {
    reason: typeof reason === 'string' ? reason : 'its mark cannot be read',
    index: typeof index === 'number' ? index : 0,
    sinceMs: typeof sinceMs === 'number' ? sinceMs : 0,
  };
};

const fieldsOf = (text: string): { readonly [key in keyof QuarantineMark]?: unknown } => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
};
