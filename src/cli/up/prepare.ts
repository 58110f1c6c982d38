// Makes the folder of `stockade up`: two CAs, certificates, an administrator, one configuration a
// node. An interrupted run leaves nothing half done (whole-folder.ts).
import { join } from 'node:path';
import { type AuthorityFolder, signingAuthority, trustText } from '#certs-tool/authority-folder.ts';
import type { Holder } from '#certs-tool/holder.ts';
import { type IssuedFor, issueFor } from '#certs-tool/issuing.ts';
import { createAuthorityFolder } from '#certs-tool/new-authority-folder.ts';
import { adminName, newAdministrator } from '#cli/administrator.ts';
import { authorityMachine, noPassphrase } from '#cli/cluster/authority.ts';
import { nodeConfigText } from '#cli/node-config-text.ts';
import {
  authorityMode,
  makeWholeFolder,
  publicMode,
  textWriter,
  type WriteText,
} from '#cli/whole-folder.ts';
import type { MemberRecord } from '#command/member.ts';
import { type ClusterId, clusterIdFromBytes } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import { invariant } from '#invariant.ts';
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

const hosts: readonly string[] = ['127.0.0.1', 'localhost'];

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
  const authority = authorityIn(layout.authority, cluster, write);
  write(layout.peerCa, trustText(authority, 'peer', authorityMachine), publicMode);
  write(layout.httpsCa, trustText(authority, 'client', authorityMachine), publicMode);
  const writePair = (certificate: string, key: string, holder: Holder, at = hosts): IssuedFor => {
    const wish = { validDays: undefined, publicKey: undefined, passphrase: noPassphrase };
    const issued = issueFor(holder, { ...wish, hosts: at }, authority, authorityMachine);
    invariant(issued.key !== undefined, 'a key is made with a certificate unless one was given');
    write(certificate, issued.certificate, publicMode);
    write(key, issued.key);
    return issued;
  };

  progress('making the administrator');
  const { password, authFile } = newAdministrator(random);
  write(layout.adminPassword, `${password}\n`);
  write(layout.auth, authFile);
  writePair(layout.adminCertificate, layout.adminKey, { kind: 'user', name: adminName }, []);

  const members = layout.nodes.map((node): MemberRecord => {
    progress(`making the certificates of ${node.name}`);
    const name = nodeNameFrom(node.name);
    const store = storeIdFrom(Buffer.from(random.bytes(16)).toString('hex'));
    for (const folder of [node.folder, node.certs, node.data]) files.createFolder(folder);
    const pathOf = (file: string): string => join(node.certs, file);
    const { keyPin } = writePair(pathOf('peer.crt'), pathOf('peer.key'), { kind: 'node', name });
    const https = { kind: 'https', name: 'localhost' } as const;
    writePair(pathOf('https.crt'), pathOf('https.key'), https);
    for (const kind of ['peer', 'client'] as const) {
      const trust = trustText(authority, kind, authorityMachine);
      write(pathOf(`${kind}-ca.crt`), trust, publicMode);
    }
    write(node.config, configText(node));
    write(join(node.data, identityFileName), identityText({ name, cluster, store, hasLog: false }));
    return {
      name: node.name,
      storeId: store,
      keyPin,
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

/**
 * The two authorities, as `stockade admit` and `stockade-certs` want them. Their keys also stand
 * under the names without a generation, which others' scripts may know.
 */
const authorityIn = (path: string, cluster: ClusterId, write: WriteText): AuthorityFolder => {
  const kinds = ['peer', 'client'] as const;
  const folder = createAuthorityFolder({ path, kinds, cluster }, authorityMachine);
  for (const kind of kinds) {
    const { key } = signingAuthority(folder, kind, 1, noPassphrase, authorityMachine);
    write(join(path, `${kind}-ca.key`), key, authorityMode);
  }
  return folder;
};

const configText = (node: NodeLayout): string =>
  nodeConfigText({
    madeBy: 'stockade up',
    name: node.name,
    httpListen: `127.0.0.1:${node.httpPort}`,
    peerListen: `127.0.0.1:${node.peerPort}`,
    authFile: '../auth.json',
  });
