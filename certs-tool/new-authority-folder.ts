// Makes an authority folder, or adds the missing authority to one.
import { CodedError } from '#errors.ts';
import { type ClusterId, clusterIdFromBytes } from '#identity/cluster-id.ts';
import type { AuthorityKind } from './authority.ts';
import {
  type AuthorityFolder,
  isAuthorityFolder,
  makeGeneration,
  openAuthorityFolder,
  saveState,
} from './authority-folder.ts';
import type { Machine } from './command.ts';
import { GuardRefusal } from './guard-refusal.ts';

/** What to make. */
export interface NewAuthorityFolder {
  readonly path: string;
  /** Which authorities; both belong into one folder unless the client CA is kept apart. */
  readonly kinds: readonly AuthorityKind[];
  /** Default: the folder's own, else a random one. */
  readonly cluster?: ClusterId;
  readonly validDays?: number;
  readonly passphrase?: string;
}

const existingFolder = (wanted: NewAuthorityFolder, machine: Machine) => {
  if (!isAuthorityFolder(wanted.path, machine)) return undefined;
  const folder = openAuthorityFolder(wanted.path, machine);
  const there = wanted.kinds.find((kind) => folder.states[kind] !== undefined);
  if (there !== undefined) {
    throw new GuardRefusal(
      `${wanted.path} holds a ${there} CA of cluster ${folder.cluster}`,
      'replace it in stages with `stockade-certs rotate`, or name another folder with --authority',
    );
  }
  if (wanted.cluster !== undefined && wanted.cluster !== folder.cluster) {
    throw new GuardRefusal(
      `${wanted.path} is of cluster ${folder.cluster}`,
      'leave --cluster out, or name another folder with --authority',
    );
  }
  return folder;
};

/**
 * Makes the authorities in a folder that may exist but holds none of them yet.
 *
 * @throws GuardRefusal when one is there; CodedError `file_permissions` when others can get in
 */
export const createAuthorityFolder = (
  wanted: NewAuthorityFolder,
  machine: Machine,
): AuthorityFolder => {
  const { path, kinds, validDays, passphrase } = wanted;
  machine.files.makeFolder(path);
  if (((machine.files.stateOf(path)?.mode ?? 0) & 0o077) !== 0) {
    throw new CodedError('file_permissions', `${path} is open to others`, {
      hint: `take the rights away with \`chmod 700 ${path}\``,
    });
  }
  const cluster = wanted.cluster ?? clusterIdFromBytes(machine.randomBytes(16));
  let folder = existingFolder(wanted, machine) ?? { path, cluster, states: {} };
  for (const kind of kinds) {
    makeGeneration(folder, { kind, generation: 1, validDays, passphrase }, machine);
  }
  for (const kind of kinds) {
    const state = { issuing: 1, trusted: [1], latest: 1, crlNumber: 0 };
    folder = saveState(folder, kind, state, machine);
  }
  return folder;
};
