// Which node `stockade admit` asks and where the CA keys are, from the folder it is given: one
// node's, a whole cluster's of `stockade up`, or a node's inside such a one.
import { dirname, join } from 'node:path';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import { adminSocketName } from '#node/seams/admin-seam.ts';
import { namesIn } from './free-folder.ts';
import { nodeFolder } from './node-folder.ts';

/** See the head of this file. */
export interface AdmittingPlace {
  /** The node's data folder. */
  readonly data: string;
  readonly authority: string;
}

/** The mark of `stockade up`. */
const upMark = 'up.json';

/**
 * Looks only at names; whether a node answers is found out by asking it.
 *
 * @throws CodedError `config_invalid` when there is nothing at `root`
 */
export const admittingPlace = (root: string, files: FileSystem): AdmittingPlace => {
  if (files.status(root) === undefined) {
    throw new CodedError('config_invalid', `there is no folder ${root}`, {
      hint: "Name the folder of this machine's node with --data DIR.",
    });
  }
  const own = nodeFolder(root);
  const above = dirname(root);
  if (files.status(join(root, upMark)) !== undefined) {
    const nodes = namesIn(root, files)
      .filter((name) => /^n[1-9]$/.test(name) && files.status(join(root, name))?.kind === 'folder')
      .sort()
      .map((name) => nodeFolder(join(root, name)));
    const running = nodes.find(
      ({ data }) => files.status(join(data, adminSocketName)) !== undefined,
    );
    return { data: (running ?? nodes[0] ?? own).data, authority: own.authority };
  }
  const inUp = files.status(join(above, upMark)) !== undefined;
  return { data: own.data, authority: inUp ? nodeFolder(above).authority : own.authority };
};
