// `<data>/pledge.json`: the promise to be part of one founding of a cluster and of no other. On the
// disk before it is given; removed when the cluster is there. Format: docs/formats/pledge.md.
import { join } from 'node:path';
import type { Pledge } from '#cluster/forming/founding.ts';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import { writeFileAtomically } from '#io/write-file-atomically.ts';
import { readPrivateText } from './node-files.ts';

const formatVersion = 1;
const fileName = 'pledge.json';

/** The promise, if there is one. @throws CodedError `data_folder_foreign` when it cannot be read */
export const readPledge = (folder: string, files: FileSystem): Pledge | undefined => {
  const path = join(folder, fileName);
  if (files.status(path) === undefined) return undefined;
  const pledge = pledgeFrom(readPrivateText(path, files));
  if (pledge !== undefined) return pledge;
  throw new CodedError('data_folder_foreign', `${path} cannot be read`, {
    hint: 'If no cluster was formed with this node, give it an empty data folder.',
  });
};

const pledgeFrom = (text: string): Pledge | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, founding, creator, creatorStoreId }: Record<string, unknown> = { ...value };
  const texts = [founding, creator, creatorStoreId].every((field) => typeof field === 'string');
  if (version !== formatVersion || !texts) return undefined;
  return {
    founding: String(founding),
    creator: String(creator),
    creatorStoreId: String(creatorStoreId),
  };
};

/** Writes it; returns when it is on the disk. */
export const writePledge = (
  folder: string,
  pledge: Pledge,
  effects: { readonly files: FileSystem; readonly random: Random },
): void => {
  const text = `${JSON.stringify({ version: formatVersion, ...pledge }, null, 2)}\n`;
  writeFileAtomically({ path: join(folder, fileName), content: Buffer.from(text) }, effects);
};

/** Forgets it, if there is one. */
export const forgetPledge = (folder: string, files: FileSystem): void => {
  const path = join(folder, fileName);
  if (files.status(path) === undefined) return;
  files.remove(path);
  files.syncFolder(folder);
};
