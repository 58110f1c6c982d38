// New generations of the authorities: made in memory, then put into the folder. What a command left
// there that was cut off before it recorded the state is cleared away first.
import { CodedError } from '#errors.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import {
  type Authority,
  type AuthorityKind,
  authorityIdentityOf,
  createAuthority,
} from './authority.ts';
import { type AuthorityFolder, certificatePath, keyPath, trustPath } from './authority-folder.ts';
import type { Machine } from './command.ts';
import { publicMode, secretMode } from './files.ts';
import { issuedIn } from './inventory.ts';
import { certificatesFrom } from './read-certificate.ts';

/** What a new generation is made from. */
export interface GenerationRequest {
  readonly kind: AuthorityKind;
  readonly generation: number;
  readonly validDays: number | undefined;
  readonly passphrase: string | undefined;
}

/**
 * Makes a generation's key and certificate.
 *
 * @throws CodedError when the lifetime or the passphrase is refused
 */
export const newGeneration = (
  cluster: ClusterId,
  { kind, generation, validDays, passphrase }: GenerationRequest,
  { now, randomBytes }: Machine,
): Authority =>
  createAuthority({
    kind,
    cluster,
    generation,
    now: now(),
    randomBytes,
    ...(validDays === undefined ? {} : { validDays }),
    ...(passphrase === undefined ? {} : { passphrase }),
  });

/** Whether a generation was ever trusted or has issued, whatever the state says. */
const isInUse = (
  folder: AuthorityFolder,
  kind: AuthorityKind,
  generation: number,
  machine: Machine,
): boolean => {
  const path = trustPath(folder.path, kind);
  const trusted =
    machine.files.stateOf(path) === undefined ? [] : certificatesFrom(machine.files.readText(path));
  const isIt = (one: { kind: AuthorityKind; generation: number } | undefined): boolean =>
    one?.kind === kind && one.generation === generation;
  return trusted.map(authorityIdentityOf).some(isIt) || issuedIn(folder, machine).some(isIt);
};

const clearLeftover = (
  folder: AuthorityFolder,
  kind: AuthorityKind,
  generation: number,
  machine: Machine,
): void => {
  const { files } = machine;
  const left = [keyPath, certificatePath]
    .map((pathOf) => pathOf(folder.path, kind, generation))
    .filter((path) => files.stateOf(path) !== undefined);
  if (left.length === 0) return;
  if (isInUse(folder, kind, generation, machine)) {
    throw new CodedError(
      'already_exists',
      `${left[0]} is there and has been in use, and authority.json does not know of it`,
      { hint: 'restore authority.json, or the whole folder, from its newest backup' },
    );
  }
  for (const path of left) files.remove(path);
};

/**
 * Puts a generation that the state does not know into the folder; the state is the caller's to
 * save. The caller holds the folder's lock.
 *
 * @throws CodedError `already_exists` when there is one that has been in use
 */
export const placeGeneration = (
  folder: AuthorityFolder,
  { kind, generation }: Pick<GenerationRequest, 'kind' | 'generation'>,
  { key, certificate }: Authority,
  machine: Machine,
): void => {
  clearLeftover(folder, kind, generation, machine);
  machine.files.createAll([
    { path: keyPath(folder.path, kind, generation), text: key, mode: secretMode },
    { path: certificatePath(folder.path, kind, generation), text: certificate, mode: publicMode },
  ]);
};
