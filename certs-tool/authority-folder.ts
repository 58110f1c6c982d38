// The folder of the authorities (docs/formats/authority-folder.md): certificates and keys by
// generation, which of them sign and which are trusted, the inventory. It belongs on a machine
// that is no server; nothing but this program writes into it.
import { join } from 'node:path';
import { CodedError } from '#errors.ts';
import { type ClusterId, clusterIdFrom } from '#identity/cluster-id.ts';
import { type Authority, type AuthorityKind, authorityIdentityOf } from './authority.ts';
import type { Machine } from './command.ts';
import { type NewFile, publicMode, secretMode } from './files.ts';
import { type CertificateView, certificateFrom } from './read-certificate.ts';
import { isSealedKey, unsealKey } from './sealed-key.ts';

/** Where one of the two authorities stands. */
export interface AuthorityState {
  /** The generation that signs. */
  readonly issuing: number;
  /** Generations that nodes and clients are to trust, ascending: one, or two during a rotation. */
  readonly trusted: readonly number[];
  /** The newest generation that was ever made. */
  readonly latest: number;
  /** Number of the last revocation list, 0 before the first. */
  readonly crlNumber: number;
}

/** An authority folder that has been read. */
export interface AuthorityFolder {
  readonly path: string;
  readonly cluster: ClusterId;
  readonly states: Readonly<Partial<Record<AuthorityKind, AuthorityState>>>;
}

const version = 1;
/** Generations count in the state file; no cluster rotates a hundred thousand times. */
const generationMax = 99_999;

const statePath = (path: string): string => join(path, 'authority.json');

/** Path of a generation's certificate. */
export const certificatePath = (path: string, kind: AuthorityKind, generation: number): string =>
  join(path, `${kind}-ca.g${generation}.crt`);
/** Path of a generation's key, 0600, sealed or not. */
export const keyPath = (path: string, kind: AuthorityKind, generation: number): string =>
  join(path, `${kind}-ca.g${generation}.key`);
/** The certificates to trust, in one file: what servers and clients get a copy of. */
export const trustPath = (path: string, kind: AuthorityKind): string => join(path, trustName(kind));
export const trustName = (kind: AuthorityKind): string => `${kind}-ca.crt`;

const isGeneration = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= generationMax;

const authorityStateFrom = (value: unknown): AuthorityState | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const { issuing, trusted, latest, crlNumber }: Record<string, unknown> = { ...value };
  if (!isGeneration(issuing) || !isGeneration(latest) || !Array.isArray(trusted)) return undefined;
  const generations = trusted.filter(isGeneration);
  const sound = generations.length === trusted.length && generations.includes(issuing);
  if (!sound || generations.length > 2 || !Number.isSafeInteger(crlNumber)) return undefined;
  return { issuing, trusted: generations, latest, crlNumber: Number(crlNumber) };
};

const folderFrom = (path: string, text: string): AuthorityFolder => {
  const broken = new CodedError(
    'config_invalid',
    `${statePath(path)} is not an authority's state`,
    {
      hint: 'restore the file from a backup of the folder',
    },
  );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw broken;
  }
  if (typeof value !== 'object' || value === null) throw broken;
  const { version: found, cluster, peer, client }: Record<string, unknown> = { ...value };
  if (found !== version || typeof cluster !== 'string') throw broken;
  const [peerState, clientState] = [peer, client].map(authorityStateFrom);
  if ((peer !== undefined && !peerState) || (client !== undefined && !clientState)) throw broken;
  return {
    path,
    cluster: clusterIdFrom(cluster),
    states: {
      ...(peerState === undefined ? {} : { peer: peerState }),
      ...(clientState === undefined ? {} : { client: clientState }),
    },
  };
};

/** Whether there is an authority folder at `path`. */
export const isAuthorityFolder = (path: string, { files }: Machine): boolean =>
  files.stateOf(path) !== undefined && files.stateOf(statePath(path)) !== undefined;

/**
 * Opens the folder at `path`.
 *
 * @throws CodedError `config_invalid` when it is none, `file_permissions` when others can get in
 */
export const openAuthorityFolder = (path: string, machine: Machine): AuthorityFolder => {
  const { files } = machine;
  if (!isAuthorityFolder(path, machine)) {
    throw new CodedError('config_invalid', `${path} is not an authority folder`, {
      hint: 'name it with --authority DIR, or make one with `stockade-certs ca new`',
    });
  }
  if (((files.stateOf(path)?.mode ?? 0) & 0o077) !== 0) {
    throw new CodedError('file_permissions', `${path} is open to others`, {
      hint: `take the rights away with \`chmod 700 ${path}\``,
    });
  }
  return folderFrom(path, files.readText(statePath(path)));
};

/** Where an authority stands. @throws CodedError `config_invalid` when the folder lacks it */
export const stateOf = (folder: AuthorityFolder, kind: AuthorityKind): AuthorityState => {
  const state = folder.states[kind];
  if (state !== undefined) return state;
  throw new CodedError('config_invalid', `${folder.path} holds no ${kind} CA`, {
    hint: `make it with \`stockade-certs ca new --kind ${kind}\`, or name another folder`,
  });
};

const stateText = ({ cluster, states }: AuthorityFolder): string =>
  `${JSON.stringify({ version, cluster, ...states }, undefined, 2)}\n`;

const generationText = (
  { path }: AuthorityFolder,
  kind: AuthorityKind,
  generation: number,
  { files }: Machine,
): string => files.readText(certificatePath(path, kind, generation));

/** The trusted certificates of one authority, newest first, as one PEM text. */
export const trustText = (folder: AuthorityFolder, kind: AuthorityKind, machine: Machine): string =>
  stateOf(folder, kind)
    .trusted.toReversed()
    .map((generation) => generationText(folder, kind, generation, machine))
    .join('');

const trustFile = (folder: AuthorityFolder, kind: AuthorityKind, machine: Machine): NewFile => ({
  path: trustPath(folder.path, kind),
  text: trustText(folder, kind, machine),
  mode: publicMode,
});

/** Records new states, and what is to be trusted by them; after a failure neither has changed. */
export const saveStates = (
  folder: AuthorityFolder,
  states: AuthorityFolder['states'],
  machine: Machine,
): AuthorityFolder => {
  const next = { ...folder, states: { ...folder.states, ...states } };
  const changed = (['peer', 'client'] as const).filter((kind) => states[kind] !== undefined);
  // The state first: the trust files can be made again from it.
  machine.files.replaceAll([
    { path: statePath(folder.path), text: stateText(next), mode: secretMode },
    ...changed.map((kind) => trustFile(next, kind, machine)),
  ]);
  return next;
};

/** As {@link saveStates}, for one authority. */
export const saveState = (
  folder: AuthorityFolder,
  kind: AuthorityKind,
  state: AuthorityState,
  machine: Machine,
): AuthorityFolder => saveStates(folder, { [kind]: state }, machine);

/** Makes the trust file anew from the state, after a crash between the two. */
export const mendTrust = (folder: AuthorityFolder, kind: AuthorityKind, machine: Machine): void => {
  const { files } = machine;
  const file = trustFile(folder, kind, machine);
  const there = files.stateOf(file.path) !== undefined && files.readText(file.path) === file.text;
  if (!there) files.replace(file);
};

/** One generation's certificate, read. */
export const generationView = (
  folder: AuthorityFolder,
  kind: AuthorityKind,
  generation: number,
  machine: Machine,
): CertificateView => certificateFrom(generationText(folder, kind, generation, machine));

/**
 * Certificate and key of a generation, ready for signing.
 *
 * @param passphrase asked for only when the key is sealed
 * @throws CodedError `certificate_invalid` when the passphrase is wrong
 */
export const signingAuthority = (
  folder: AuthorityFolder,
  kind: AuthorityKind,
  generation: number,
  passphrase: () => string,
  machine: Machine,
): Authority => {
  const key = machine.files.readSecret(keyPath(folder.path, kind, generation));
  return {
    certificate: generationText(folder, kind, generation, machine),
    key: isSealedKey(key) ? unsealKey(key, passphrase()) : key,
  };
};

/** The generation that signed a certificate, among all that were ever made here. */
export const issuerOf = (
  view: CertificateView,
  folder: AuthorityFolder,
  machine: Machine,
): { readonly kind: AuthorityKind; readonly generation: number } | undefined => {
  for (const kind of ['peer', 'client'] as const) {
    for (let generation = folder.states[kind]?.latest ?? 0; generation > 0; generation--) {
      const issuer = generationView(folder, kind, generation, machine);
      const identity = authorityIdentityOf(issuer);
      const mine = identity?.kind === kind && identity.generation === generation;
      if (mine && view.certificate.checkIssued(issuer.certificate)) {
        if (view.certificate.verify(issuer.certificate.publicKey)) return { kind, generation };
      }
    }
  }
  return undefined;
};
