// The names of a holder's files in its folder, and how they get there.
import { join } from 'node:path';
import { trustName } from './authority-folder.ts';
import type { Machine } from './command.ts';
import { alreadyExists, type NewFile, publicMode, secretMode } from './files.ts';
import { authorityKindOf, type Holder } from './holder.ts';

/** Paths of a holder's files in `folder`. */
export interface LeafPaths {
  readonly certificate: string;
  readonly key: string;
  readonly request: string;
  readonly trust: string;
}

const baseName = ({ kind, name }: Holder): string => (kind === 'user' ? `user.${name}` : kind);

/** `node.crt`, `https.crt`, `user.NAME.crt` and their companions. */
export const leafPaths = (folder: string, holder: Holder): LeafPaths => {
  const base = join(folder, baseName(holder));
  return {
    certificate: `${base}.crt`,
    key: `${base}.key`,
    request: `${base}.csr`,
    trust: join(folder, trustName(authorityKindOf(holder))),
  };
};

/** Where a holder's files go unless told otherwise. */
export const defaultFolder = ({ name }: Holder): string => join('certs', name);

/** What a holder gets. */
export interface LeafTexts {
  readonly certificate: string;
  /** Undefined when the holder has its key already. */
  readonly key: string | undefined;
  readonly trust: string;
}

/**
 * Creates a holder's files, none of which may exist; a trust file that is there stays as it is.
 *
 * @returns advice when that trust file differs from the one that would have been written
 * @throws CodedError `already_exists`
 */
export const createLeafFiles = (
  paths: LeafPaths,
  { certificate, key, trust }: LeafTexts,
  { files }: Machine,
): readonly string[] => {
  const there = files.stateOf(paths.trust) !== undefined;
  const made: (NewFile | undefined)[] = [
    key === undefined ? undefined : { path: paths.key, text: key, mode: secretMode },
    { path: paths.certificate, text: certificate, mode: publicMode },
    there ? undefined : { path: paths.trust, text: trust, mode: publicMode },
  ];
  files.createAll(made.filter((file) => file !== undefined));
  return there && files.readText(paths.trust) !== trust
    ? [`${paths.trust} was there and stays; it differs from the authority's`]
    : [];
};

/**
 * @throws CodedError `already_exists` when key or certificate is there: asked before one is
 * issued
 */
export const refuseExistingLeaf = (
  { key, certificate }: LeafPaths,
  withKey: boolean,
  { files }: Machine,
): void => {
  const taken = (withKey ? [key, certificate] : [certificate]).find(
    (path) => files.stateOf(path) !== undefined,
  );
  if (taken !== undefined) throw alreadyExists(taken);
};
