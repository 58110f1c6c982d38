// Makes the folder of `stockade up`: two CAs, certificates, an administrator, one configuration a
// node. Everything is made beside the folder first and takes its name when it is complete, so an
// interrupted run leaves nothing half done.
import { dirname, join } from 'node:path';
import { hashPassword } from '#auth/password.ts';
import { createAuthority } from '#certs-tool/authority.ts';
import { issueHttps, issueNode, issueUser } from '#certs-tool/issue.ts';
import { keyPinOf } from '#certs-tool/key-pair.ts';
import type { MemberRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import { clusterIdFromBytes } from '#identity/cluster-id.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import { userNameFrom } from '#identity/user-name.ts';
import { type FileSystem, systemErrorCode } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import { writeNewFile } from '#io/write-file-atomically.ts';
import {
  bootstrapFileName,
  bootstrapText,
  identityFileName,
  identityText,
} from '#node/identity-file.ts';
import { type NodeLayout, type UpLayout, upLayout } from './layout.ts';
import { markText } from './mark.ts';

/** Readable by all: certificates. */
const publicMode = 0o644;
/** Readable by the owner, changed by nobody: the keys of the CAs. */
const authorityMode = 0o400;

const hosts = ['127.0.0.1', 'localhost'];

/** 144 bits: nobody guesses it, and it can be typed. */
const passwordBytes = 18;

/** The administrator's name. */
export const adminName = userNameFrom('admin');

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
  const { root, count, portBase, files, random } = options;
  const suffix = Buffer.from(random.bytes(4)).toString('hex');
  const temporary = `${root}.${suffix}.tmp`;
  try {
    createFolders(dirname(root), files);
    files.createFolder(temporary);
    fill(upLayout(temporary, count, portBase), options);
    files.rename(temporary, root);
    files.syncFolder(dirname(root));
  } catch (error) {
    throw unwritable(root, error);
  }
};

const createFolders = (folder: string, files: FileSystem): void => {
  if (files.status(folder) !== undefined) return;
  createFolders(dirname(folder), files);
  files.createFolder(folder);
};

const unwritable = (root: string, error: unknown): unknown => {
  const code = systemErrorCode(error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new CodedError('file_permissions', `${root} cannot be written by this user`, {
      hint: 'Choose a folder of yours with --data DIR.',
      cause: error,
    });
  }
  if (code === 'ENOSPC') {
    return new CodedError('disk_full', `the disk of ${root} is full`, {
      hint: 'Make room, or choose another disk with --data DIR.',
      cause: error,
    });
  }
  return error;
};

const fill = (layout: UpLayout, options: PrepareOptions): void => {
  const { files, random, progress } = options;
  const write = (path: string, content: string, mode?: number): void => {
    const bytes = Buffer.from(content);
    const request = { path, content: bytes, ...(mode === undefined ? {} : { mode }) };
    writeNewFile(request, { files, random });
  };
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
  const password = Buffer.from(random.bytes(passwordBytes)).toString('base64url');
  write(layout.adminPassword, `${password}\n`);
  const users = [{ username: adminName, password: hashPassword(password), perms: ['all'] }];
  write(layout.auth, `${JSON.stringify(users, null, 2)}\n`);
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

const configText = (
  node: NodeLayout,
): string => `# Made by \`stockade up\`. Paths are relative to this file.
node:
  name: ${node.name}
  data: data
http:
  listen: 127.0.0.1:${node.httpPort}
  certificate: certs/https.crt
  key: certs/https.key
  clientCa: certs/client-ca.crt
peer:
  listen: 127.0.0.1:${node.peerPort}
  certificate: certs/peer.crt
  key: certs/peer.key
  ca: certs/peer-ca.crt
auth:
  file: ../auth.json
`;
