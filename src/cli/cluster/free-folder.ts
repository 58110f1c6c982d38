// Whether a folder may be made or filled: only when there is nothing in it.
import { CodedError } from '#errors.ts';
import { type FileSystem, systemErrorCode } from '#io/file-system.ts';
import { nodeFolder } from './node-folder.ts';

/** Names in a folder; none when there is no such folder. @throws CodedError `file_permissions` */
export const namesIn = (root: string, files: FileSystem): readonly string[] => {
  const status = files.status(root);
  if (status === undefined) return [];
  if (status.kind !== 'folder') {
    throw new CodedError('already_exists', `${root} is there and is not a folder`, {
      hint: 'Choose another folder with --data DIR.',
    });
  }
  try {
    return files.list(root);
  } catch (cause) {
    if (systemErrorCode(cause) !== 'EACCES') throw cause;
    throw new CodedError('file_permissions', `${root} cannot be read by this user`, {
      hint: 'Choose a folder of yours with --data DIR.',
      cause,
    });
  }
};

/** @throws CodedError `already_exists` unless the folder is free */
export const requireFreeFolder = (root: string, files: FileSystem): void => {
  const names = namesIn(root, files);
  if (names.length === 0) return;
  const prepared = names.includes('node.yaml');
  throw new CodedError(
    'already_exists',
    prepared ? `a node is prepared in ${root} already` : `${root} is not empty`,
    {
      hint: prepared
        ? `Start it with: stockade run --config ${nodeFolder(root).config}; for another node choose another folder with --data DIR.`
        : 'Choose an empty or a new folder with --data DIR.',
    },
  );
};
