// The folder of the authorities (docs/formats/authority-folder.md): certificates and keys by
// generation, which of them sign and which are trusted, the inventory. It belongs on a machine
// that is no server; nothing but this file writes into it.
import { join } from 'node:path';
import { CodedError } from '#errors.ts';
import { type ClusterId, clusterIdFrom } from '#identity/cluster-id.ts';
import {
  type Authority,
  type AuthorityKind,
  authorityIdentityOf,
  createAuthority,
} from './authority.ts';
import type { Machine } from './command.ts';
import { publicMode, secretMode } from './files.ts';
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

/** Records a new state: the trust file first, for it can be made again from the state. */
export const saveState = (
  folder: AuthorityFolder,
  kind: AuthorityKind,
  state: AuthorityState,
  machine: Machine,
): AuthorityFolder => {
  const { files } = machine;
  const next = { ...folder, states: { ...folder.states, [kind]: state } };
  files.replace({ path: statePath(folder.path), text: stateText(next), mode: secretMode });
  files.replace({
    path: trustPath(folder.path, kind),
    text: trustText(next, kind, machine),
    mode: publicMode,
  });
  return next;
};

/** What a new generation is made from. */
export interface GenerationRequest {
  readonly kind: AuthorityKind;
  readonly generation: number;
  readonly validDays: number | undefined;
  readonly passphrase: string | undefined;
}

/** Makes a generation's key and certificate in the folder; the state is the caller's to save. */
export const makeGeneration = (
  { path, cluster }: Pick<AuthorityFolder, 'path' | 'cluster'>,
  { kind, generation, validDays, passphrase }: GenerationRequest,
  { files, now, randomBytes }: Machine,
): void => {
  const authority = createAuthority({
    kind,
    cluster,
    generation,
    now: now(),
    randomBytes,
    ...(validDays === undefined ? {} : { validDays }),
    ...(passphrase === undefined ? {} : { passphrase }),
  });
  files.createAll([
    { path: keyPath(path, kind, generation), text: authority.key, mode: secretMode },
    {
      path: certificatePath(path, kind, generation),
      text: authority.certificate,
      mode: publicMode,
    },
  ]);
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
