// Makes an authority folder, or adds the missing authority to one.
import { CodedError } from '#errors.ts';
import { type ClusterId, clusterIdFromBytes } from '#identity/cluster-id.ts';
import type { AuthorityKind } from './authority.ts';
import {
  type AuthorityFolder,
  isAuthorityFolder,
  openAuthorityFolder,
  saveStates,
} from './authority-folder.ts';
import type { Machine } from './command.ts';
import { whileLocked } from './folder-lock.ts';
import { newGeneration, placeGeneration } from './generation.ts';
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

const requireClosed = (path: string, { files }: Machine): void => {
  if (((files.stateOf(path)?.mode ?? 0) & 0o077) === 0) return;
  throw new CodedError('file_permissions', `${path} is open to others`, {
    hint: `take the rights away with \`chmod 700 ${path}\``,
  });
};

/**
 * Makes the authorities in a folder that may exist but holds none of them yet. What is refused
 * leaves no folder behind.
 *
 * @throws GuardRefusal when one is there; CodedError `file_permissions` when others can get in
 */
export const createAuthorityFolder = (
  wanted: NewAuthorityFolder,
  machine: Machine,
): AuthorityFolder => {
  const { path, kinds, validDays, passphrase } = wanted;
  const { files } = machine;
  const there = files.stateOf(path)?.kind === 'folder';
  if (there) requireClosed(path, machine);
  const before = there ? existingFolder(wanted, machine) : undefined;
  const cluster = before?.cluster ?? wanted.cluster ?? clusterIdFromBytes(machine.randomBytes(16));
  const made = kinds.map((kind) => {
    const request = { kind, generation: 1, validDays, passphrase };
    return { request, authority: newGeneration(cluster, request, machine) };
  });
  files.makeFolder(path);
  requireClosed(path, machine);
  return whileLocked(path, machine, () => {
    // Another process may have made it meanwhile.
    const now = existingFolder({ ...wanted, cluster }, machine);
    const folder = now ?? { path, cluster, states: {} };
    for (const { request, authority } of made) placeGeneration(folder, request, authority, machine);
    const first = { issuing: 1, trusted: [1], latest: 1, crlNumber: 0 };
    return saveStates(folder, Object.fromEntries(kinds.map((kind) => [kind, first])), machine);
  });
};
