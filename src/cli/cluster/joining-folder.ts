// The folder of a node that joins: keys and disk identity are made before first contact and kept
// when something goes wrong on the way, so that the same command can be run again and is the same
// node. Configuration comes last: with it the folder is done.
import { join } from 'node:path';
import { newKeyPair } from '#certs-tool/key-pair.ts';
import { type FolderEffects, makeWholeFolder, publicMode, textWriter } from '#cli/whole-folder.ts';
import type { JoinAnswer } from '#cluster/join-messages.ts';
import { CodedError } from '#errors.ts';
import { type StoreId, storeIdFrom } from '#identity/store-id.ts';
import { systemErrorCode } from '#io/file-system.ts';
import { writeFileAtomically } from '#io/write-file-atomically.ts';
import { identityFileName, identityFrom, identityText } from '#node/identity-file.ts';
import { foreignKeysIn } from '#node/joined-settings.ts';
import { readPrivateText } from '#node/node-files.ts';
import { namesIn, requireFreeFolder } from './free-folder.ts';
import type { NewcomerName } from './newcomer-requests.ts';
import { type NodeFolder, nodeFolder } from './node-folder.ts';
import type { Places } from './places.ts';
import { configText } from './prepare-first-node.ts';

const storeIdBytes = 16;

/** What is in it before first contact. */
export interface JoiningFolder {
  readonly folder: NodeFolder;
  readonly store: StoreId;
  /** PKCS#8 PEM. */
  readonly peerKey: string;
  readonly httpsKey: string;
}

const keyPath = (folder: NodeFolder, name: 'peer' | 'https'): string =>
  join(folder.certs, `${name}.key`);

/**
 * Makes the folder, or goes on with one that an interrupted join of the same node left.
 *
 * @throws CodedError `already_exists` when something else is there
 */
export const openJoiningFolder = (
  root: string,
  newcomer: NewcomerName,
  effects: FolderEffects,
): JoiningFolder => {
  const names = namesIn(root, effects.files);
  const begun = names.includes('data') && !names.includes('node.yaml');
  if (!begun) {
    requireFreeFolder(root, effects.files);
    makeWholeFolder(root, effects, (temporary) => fill(nodeFolder(temporary), newcomer, effects));
  }
  const folder = nodeFolder(root);
  const path = join(folder.data, identityFileName);
  const identity = identityFrom(path, readPrivateText(path, effects.files));
  if (identity.cluster !== newcomer.cluster || identity.name !== newcomer.name) {
    throw new CodedError(
      'already_exists',
      `${root} was made by an unfinished join of ${identity.name}, not of ${newcomer.name} in this cluster`,
      { hint: 'Choose another folder with --data DIR, or remove this one.' },
    );
  }
  return {
    folder,
    store: identity.store,
    peerKey: readPrivateText(keyPath(folder, 'peer'), effects.files),
    httpsKey: readPrivateText(keyPath(folder, 'https'), effects.files),
  };
};

const fill = (folder: NodeFolder, newcomer: NewcomerName, effects: FolderEffects): void => {
  const { files, random } = effects;
  const write = textWriter(effects);
  for (const path of [folder.certs, folder.data]) files.createFolder(path);
  write(keyPath(folder, 'peer'), newKeyPair().key);
  write(keyPath(folder, 'https'), newKeyPair().key);
  const store = storeIdFrom(Buffer.from(random.bytes(storeIdBytes)).toString('hex'));
  const { name, cluster } = newcomer;
  write(join(folder.data, identityFileName), identityText({ name, cluster, store, hasLog: false }));
};

/** Puts the answer's files into the folder, the configuration last. */
export const completeJoiningFolder = (
  folder: NodeFolder,
  newcomer: NewcomerName,
  places: Places,
  answer: JoinAnswer,
  effects: FolderEffects,
): void => {
  const put = (path: string, text: string, mode?: number): void =>
    writeFileAtomically(
      { path, content: Buffer.from(text), ...(mode === undefined ? {} : { mode }) },
      effects,
    );
  try {
    put(join(folder.certs, 'peer.crt'), answer.peerCertificate, publicMode);
    put(join(folder.certs, 'peer-ca.crt'), answer.peerCa, publicMode);
    put(join(folder.certs, 'https.crt'), answer.httpsCertificate, publicMode);
    put(join(folder.certs, 'client-ca.crt'), answer.clientCa, publicMode);
    put(folder.auth, answer.authFile);
    const foreignKeys = foreignKeysIn(answer.clusterRecord);
    put(folder.config, configText('stockade join', newcomer.name, places, foreignKeys));
  } catch (cause) {
    throw new CodedError('storage_failed', `${folder.root} could not be completed`, {
      cause,
      hint: `The disk says ${systemErrorCode(cause) ?? 'no'}; mend it and run the same command again.`,
    });
  }
};
