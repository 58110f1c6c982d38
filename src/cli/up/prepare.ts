// Makes the folder of `stockade up`: two CAs, certificates, an administrator, one configuration a
// node. An interrupted run leaves nothing half done (whole-folder.ts).
import { join } from 'node:path';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueHttps, issueNode, issueUser } from '#certs-tool/issue.ts';
import { keyPinOf } from '#certs-tool/key-pair.ts';
import { adminName, newAdministrator } from '#cli/administrator.ts';
import { nodeConfigText } from '#cli/node-config-text.ts';
import { authorityMode, makeWholeFolder, publicMode, textWriter } from '#cli/whole-folder.ts';
import type { MemberRecord } from '#command/member.ts';
import { clusterIdFromBytes } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import {
  bootstrapFileName,
  bootstrapText,
  identityFileName,
  identityText,
} from '#node/identity-file.ts';
import { type NodeLayout, type UpLayout, upLayout } from './layout.ts';
import { markText } from './mark.ts';

const hosts = ['127.0.0.1', 'localhost'];

/** What the folder is made with. */
export interface PrepareOptions {
  readonly root: string;
  readonly count: number;
  readonly portBase: number;
  readonly files: FileSystem;
  readonly random: Random;
  /** Told what happens, for the terminal. */
  readonly progress: (what: string) => void;
}

/** @throws CodedError `file_permissions` when the folder cannot be written */
export const prepareFolder = (options: PrepareOptions): void => {
  const { root, count, portBase } = options;
  makeWholeFolder(root, options, (temporary) => {
    fill(upLayout(temporary, count, portBase), options);
  });
};

const fill = (layout: UpLayout, options: PrepareOptions): void => {
  const { files, random, progress } = options;
  const write = textWriter(options);
  const cluster = clusterIdFromBytes(random.bytes(16));

  progress('making two certificate authorities');
  const peer = createAuthority({ kind: 'peer', cluster });
  const client = createAuthority({ kind: 'client', cluster });
  files.createFolder(layout.authority);
  write(join(layout.authority, 'peer-ca.key'), peer.key, authorityMode);
  write(join(layout.authority, 'peer-ca.crt'), peer.certificate, publicMode);
  write(join(layout.authority, 'client-ca.key'), client.key, authorityMode);
  write(join(layout.authority, 'client-ca.crt'), client.certificate, publicMode);
  write(layout.peerCa, peer.certificate, publicMode);
  write(layout.httpsCa, client.certificate, publicMode);

  progress('making the administrator');
  const { password, authFile } = newAdministrator(random);
  write(layout.adminPassword, `${password}\n`);
  write(layout.auth, authFile);
  const admin = issueUser({ authority: client, cluster, name: adminName });
  write(layout.adminCertificate, admin.certificate, publicMode);
  write(layout.adminKey, admin.key);

  const members = layout.nodes.map((node): MemberRecord => {
    progress(`making the certificates of ${node.name}`);
    const name = nodeNameFrom(node.name);
    const store = storeIdFrom(Buffer.from(random.bytes(16)).toString('hex'));
    const peerPair = issueNode({ authority: peer, cluster, name, hosts });
    const httpsPair = issueHttps({ authority: client, cluster, hosts });
    for (const folder of [node.folder, node.certs, node.data]) files.createFolder(folder);
    write(join(node.certs, 'peer.crt'), peerPair.certificate, publicMode);
    write(join(node.certs, 'peer.key'), peerPair.key);
    write(join(node.certs, 'peer-ca.crt'), peer.certificate, publicMode);
    write(join(node.certs, 'https.crt'), httpsPair.certificate, publicMode);
    write(join(node.certs, 'https.key'), httpsPair.key);
    write(join(node.certs, 'client-ca.crt'), client.certificate, publicMode);
    write(node.config, configText(node));
    write(join(node.data, identityFileName), identityText({ name, cluster, store, hasLog: false }));
    return {
      name: node.name,
      storeId: store,
      keyPin: keyPinOf(peerPair.certificate),
      peerAddress: `127.0.0.1:${node.peerPort}`,
      apiUrl: `https://127.0.0.1:${node.httpPort}`,
    };
  });
  // One creator: the first node writes the first entry, the others wait for it.
  const [creator] = layout.nodes;
  if (creator !== undefined) {
    write(join(creator.data, bootstrapFileName), bootstrapText(members));
  }
  write(layout.mark, markText({ nodes: layout.nodes.length, portBase: options.portBase }));
};

const configText = (node: NodeLayout): string =>
  nodeConfigText({
    madeBy: 'stockade up',
    name: node.name,
    httpListen: `127.0.0.1:${node.httpPort}`,
    peerListen: `127.0.0.1:${node.peerPort}`,
    authFile: '../auth.json',
  });
