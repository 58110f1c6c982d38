// The files a node reads before it serves: identity, certificates, keys. Whatever is missing, too
// open or not ours is refused with the name of the file and the way out.
import { join } from 'node:path';
import type { MemberRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import { type FileSystem, systemErrorCode } from '#io/file-system.ts';
import { openNoLink, readPrivateFile, requirePrivate } from '#io/private-path.ts';
import type { Random } from '#io/random.ts';
import { writeFileAtomically } from '#io/write-file-atomically.ts';
import {
  bootstrapFileName,
  bootstrapFrom,
  bootstrapText,
  type FolderIdentity,
  identityFileName,
  identityFrom,
} from './identity-file.ts';

/** Largest of these files: a chain of certificates or a list of members is far smaller. */
const fileBytesMax = 1024 * 1024;

const missing = (path: string, cause: unknown): CodedError => {
  const code = systemErrorCode(cause);
  if (code === 'ENOENT') {
    return new CodedError('config_invalid', `there is no ${path}`, {
      hint: 'Check the path in the configuration; relative paths start at the file they stand in.',
    });
  }
  if (code === 'EACCES') {
    return new CodedError('file_permissions', `${path} cannot be read by this user`, {
      hint: 'Run as the owner of the file.',
    });
  }
  return new CodedError('config_invalid', `${path} cannot be read`, {
    cause,
    hint: cause instanceof Error ? cause.message : 'Check the file.',
  });
};

const guarded = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw missing(path, error);
  }
};

/** A file that others may read: a certificate. */
export const readPublicText = (path: string, files: FileSystem): string =>
  guarded(path, () => {
    const file = openNoLink(path, files);
    try {
      const content = Buffer.alloc(Math.min(file.status().bytes, fileBytesMax));
      return content.subarray(0, file.read(content, 0)).toString('utf8');
    } finally {
      file.close();
    }
  });

/** A file that only the owner may touch: a key, the auth file. */
export const readPrivateText = (path: string, files: FileSystem): string =>
  guarded(path, () => readPrivateFile(path, fileBytesMax, files).toString('utf8'));

/** Whose data folder this is; refuses a folder that others can enter. */
export const readFolderIdentity = (folder: string, files: FileSystem): FolderIdentity => {
  const status = files.status(folder);
  if (status?.kind !== 'folder') {
    throw new CodedError('config_invalid', `the data folder ${folder} does not exist`, {
      hint: 'It is made by `stockade init`, `stockade join` or `stockade up`.',
    });
  }
  requirePrivate(folder, status);
  const path = join(folder, identityFileName);
  return identityFrom(path, readPrivateText(path, files));
};

/** The same, for the node of this name only. */
export const readIdentity = (folder: string, name: string, files: FileSystem): FolderIdentity => {
  const identity = readFolderIdentity(folder, files);
  if (identity.name !== name) {
    throw new CodedError(
      'data_folder_foreign',
      `${folder} belongs to node ${identity.name}, but the configuration says ${name}`,
      { hint: 'A node keeps its name for life; give every node a folder of its own.' },
    );
  }
  return identity;
};

/** The members of the cluster that this node is to create; undefined when it creates none. */
export const readBootstrap = (
  folder: string,
  files: FileSystem,
): readonly MemberRecord[] | undefined => {
  const path = join(folder, bootstrapFileName);
  if (files.status(path) === undefined) return undefined;
  return bootstrapFrom(path, readPrivateText(path, files));
};

/** This node creates the cluster: from here on a restart goes on with it. */
export const writeBootstrap = (
  folder: string,
  members: readonly MemberRecord[],
  effects: { readonly files: FileSystem; readonly random: Random },
): void => {
  const content = Buffer.from(bootstrapText(members));
  writeFileAtomically({ path: join(folder, bootstrapFileName), content }, effects);
};

/**
 * The cluster is created: its first entry is in the log. With the file still there, a node that
 * lost its log would create the cluster a second time.
 */
export const forgetBootstrap = (folder: string, files: FileSystem): void => {
  const path = join(folder, bootstrapFileName);
  if (files.status(path) === undefined) return;
  files.remove(path);
  files.syncFolder(folder);
};
