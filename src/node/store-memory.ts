// Whether this disk still knows what it promised. A node's votes and acknowledged entries are in
// its log; one that lost the log under its old store id would vote twice and have its word counted
// for entries that it does not have. So the identity says, from the first log on, that there is
// one.
import { join } from 'node:path';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import { writeFileAtomically } from '#io/write-file-atomically.ts';
import { type FolderIdentity, identityFileName, identityText } from './identity-file.ts';

const hasSegments = (folder: string, files: FileSystem): boolean =>
  files.status(folder) !== undefined && files.list(folder).some((name) => name.endsWith('.log'));

/** @throws CodedError `log_damaged` when there was a log on this disk and it is gone */
export const requireLog = (
  dataFolder: string,
  identity: FolderIdentity,
  files: FileSystem,
): void => {
  if (!identity.hasLog || hasSegments(join(dataFolder, 'raft'), files)) return;
  throw new CodedError(
    'log_damaged',
    `the Raft log of ${dataFolder} is gone: this node forgot its votes and what it acknowledged`,
    { hint: 'Remove this node from the cluster and let it join anew with an empty folder.' },
  );
};

/** The log is there: from now on it must be. */
export const rememberLog = (
  dataFolder: string,
  identity: FolderIdentity,
  effects: { readonly files: FileSystem; readonly random: Random },
): void => {
  if (identity.hasLog) return;
  const content = Buffer.from(identityText({ ...identity, hasLog: true }));
  writeFileAtomically({ path: join(dataFolder, identityFileName), content }, effects);
};
