// Makes the folder of a cluster's first node: authorities, certificates, the first administrator,
// configuration, and the cluster's first entry. Nothing is there before all of it is.
import { join } from 'node:path';
import { trustText } from '#certs-tool/authority-folder.ts';
import type { Holder } from '#certs-tool/holder.ts';
import { type IssuedFor, issueFor } from '#certs-tool/issuing.ts';
import { createAuthorityFolder } from '#certs-tool/new-authority-folder.ts';
import { adminName, newAdministrator } from '#cli/administrator.ts';
import { nodeConfigText } from '#cli/node-config-text.ts';
import { type FolderEffects, makeWholeFolder, publicMode, textWriter } from '#cli/whole-folder.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import { invariant } from '#invariant.ts';
import { addressText } from '#node/config.ts';
import {
  bootstrapFileName,
  bootstrapText,
  identityFileName,
  identityText,
} from '#node/identity-file.ts';
import { authorityMachine, noPassphrase } from './authority.ts';
import { type NodeFolder, nodeFolder } from './node-folder.ts';
import type { Passphrase } from './passphrase.ts';
import type { Places } from './places.ts';

const storeIdBytes = 16;

/** What the first node and its cluster are to be. */
export interface FirstNode {
  readonly name: NodeName;
  readonly places: Places;
  readonly foreignKeys: boolean;
  /** Seals the CA keys; undefined: they are not sealed. */
  readonly passphrase: Passphrase | undefined;
}

/**
 * Makes `root` and gives the new cluster's id. @throws CodedError `file_permissions`, `disk_full`
 */
export const prepareFirstNode = (
  root: string,
  wanted: FirstNode,
  effects: FolderEffects,
): ClusterId => {
  let cluster: ClusterId | undefined;
  makeWholeFolder(root, effects, (temporary) => {
    cluster = fill(nodeFolder(temporary), wanted, effects);
  });
  invariant(cluster !== undefined, 'a folder that was made was filled');
  return cluster;
};

const fill = (folder: NodeFolder, wanted: FirstNode, effects: FolderEffects): ClusterId => {
  const { name, places, passphrase } = wanted;
  const { files, random } = effects;
  const write = textWriter(effects);
  const authority = createAuthorityFolder(
    {
      path: folder.authority,
      kinds: ['peer', 'client'],
      ...(passphrase === undefined ? {} : { passphrase: passphrase() }),
    },
    authorityMachine,
  );
  const issue = (holder: Holder, hosts: readonly string[]): IssuedFor => {
    const wish = {
      validDays: undefined,
      publicKey: undefined,
      passphrase: passphrase ?? noPassphrase,
    };
    return issueFor(holder, { ...wish, hosts }, authority, authorityMachine);
  };
  const writePair = (base: string, { certificate, key }: IssuedFor): void => {
    invariant(key !== undefined, 'a certificate that was issued without a key of its own has one');
    write(`${base}.crt`, certificate, publicMode);
    write(`${base}.key`, key);
  };
  const peer = issue({ kind: 'node', name }, places.peerHosts);
  files.createFolder(folder.certs);
  writePair(join(folder.certs, 'peer'), peer);
  writePair(
    join(folder.certs, 'https'),
    issue({ kind: 'https', name: places.host }, places.httpsHosts),
  );
  for (const kind of ['peer', 'client'] as const) {
    const path = join(folder.certs, `${kind}-ca.crt`);
    write(path, trustText(authority, kind, authorityMachine), publicMode);
  }
  const admin = newAdministrator(random);
  write(folder.adminPassword, `${admin.password}\n`);
  write(folder.auth, admin.authFile);
  writePair(join(folder.root, 'admin'), issue({ kind: 'user', name: adminName }, []));
  write(folder.config, configText('stockade init', name, places, wanted.foreignKeys));
  const { cluster } = authority;
  const store = storeIdFrom(Buffer.from(random.bytes(storeIdBytes)).toString('hex'));
  files.createFolder(folder.data);
  write(join(folder.data, identityFileName), identityText({ name, cluster, store, hasLog: false }));
  const member = {
    name,
    storeId: store,
    keyPin: peer.keyPin,
    peerAddress: places.peerAddress,
    apiUrl: `https://${places.httpAddress}`,
  };
  write(join(folder.data, bootstrapFileName), bootstrapText([member]));
  return cluster;
};

/** node.yaml of a node in a folder of its own. */
export const configText = (
  madeBy: string,
  name: NodeName,
  places: Places,
  foreignKeys: boolean,
): string => {
  const httpListen = addressText(places.httpListen);
  const peerListen = addressText(places.peerListen);
  return nodeConfigText({
    madeBy,
    name,
    httpListen,
    peerListen,
    ...(httpListen === places.httpAddress ? {} : { httpAdvertise: places.httpAddress }),
    ...(peerListen === places.peerAddress ? {} : { peerAdvertise: places.peerAddress }),
    authFile: 'auth.json',
    foreignKeys,
  });
};
