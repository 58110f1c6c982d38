// The authority folder as `init` and `admit` use it: this is the process that holds the CA's key;
// no server ever opens it.
import { randomBytes } from 'node:crypto';
import type { AuthorityKind } from '#certs-tool/authority.ts';
import {
  type AuthorityFolder,
  certificatePath,
  openAuthorityFolder,
  signingAuthority,
  stateOf,
  trustText,
} from '#certs-tool/authority-folder.ts';
import type { Machine } from '#certs-tool/command.ts';
import { diskFiles, readStandardInput } from '#certs-tool/files.ts';
import { issueFor } from '#certs-tool/issuing.ts';
import { keyPinOf } from '#certs-tool/key-pair.ts';
import { certificatesFrom } from '#certs-tool/read-certificate.ts';
import { judgeRequest } from '#certs-tool/request.ts';
import { stageOf } from '#certs-tool/rotation.ts';
import { CodedError } from '#errors.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import type { SignedCertificates, SignRequest } from '#node/seams/admin-seam.ts';

/** This machine, as the certificate tool wants it. */
export const authorityMachine: Machine = {
  files: diskFiles,
  now: () => new Date(),
  randomBytes,
  standardInput: readStandardInput,
  isAlive: (pid) => pid === process.pid,
  pid: process.pid,
};

/** For keys that are not sealed. */
export const noPassphrase = (): string => {
  throw new CodedError('certificate_invalid', 'the CA key is under a passphrase', {
    hint: 'Give it with --passphrase-file FILE, or with --passphrase-file - on standard input.',
  });
};

/** @throws CodedError `config_invalid` when there is no authority here */
export const openAuthority = (path: string): AuthorityFolder =>
  openAuthorityFolder(path, authorityMachine);

/**
 * Opens both CA keys and forgets them again, so that a wrong passphrase is told before a token is
 * handed out.
 *
 * @throws CodedError `certificate_invalid`
 */
export const requireKeys = (folder: AuthorityFolder, passphrase = noPassphrase): void => {
  for (const kind of ['peer', 'client'] as const) {
    signingAuthority(folder, kind, stateOf(folder, kind).issuing, passphrase, authorityMachine);
  }
};

const rotating = (kind: AuthorityKind, where = ''): CodedError =>
  new CodedError('config_invalid', `the ${kind} CA is being rotated: nobody can be admitted`, {
    hint: `Finish the rotation first; where it stands: stockade-certs rotate --kind ${kind} --status${where}`,
  });

/**
 * A token pins one CA, and the node that answers must have a certificate of it: during a rotation
 * the newcomer would take the true node for somebody in its place.
 *
 * @throws CodedError `config_invalid` while one of the CAs is being rotated
 */
export const requireSettled = (folder: AuthorityFolder): void => {
  for (const kind of ['peer', 'client'] as const) {
    if (stageOf(stateOf(folder, kind)) !== 'settled') {
      throw rotating(kind, ` --authority ${folder.path}`);
    }
  }
};

/** The same, by the CA certificates that came with what was signed elsewhere: two are trusted. */
export const requireSettledTrust = (kind: AuthorityKind, trust: string): void => {
  if (certificatesFrom(trust).length > 1) throw rotating(kind);
};

/** What tokens pin: the public key of the peer CA that signs. */
export const authorityPin = (folder: AuthorityFolder): string => {
  const { issuing } = stateOf(folder, 'peer');
  return keyPinOf(diskFiles.readText(certificatePath(folder.path, 'peer', issuing)));
};

const refused = (name: string, why: string): CodedError =>
  new CodedError('certificate_invalid', `the request of ${name} is not signed: ${why}`, {
    hint: 'Whoever sent it has the token but not this program; make a new token.',
  });

/**
 * Signs for a newcomer. Of its requests only the public keys are taken: name and hosts are what the
 * node checked, everything else is the profile's.
 *
 * @throws CodedError `certificate_invalid` when a request asks for more than it may
 */
export const signNewcomer = (
  folder: AuthorityFolder,
  wanted: SignRequest,
  passphrase = noPassphrase,
): SignedCertificates => {
  const node = { kind: 'node', name: nodeNameFrom(wanted.name) } as const;
  const https = { kind: 'https', name: wanted.hosts[0] ?? '' } as const;
  const peer = judgeRequest(wanted.peerRequest, node, folder.cluster);
  if (peer.kind === 'refused') throw refused(wanted.name, peer.why);
  if (peer.keyPin !== wanted.keyPin) {
    throw refused(wanted.name, 'it is for another key than the one that was proved');
  }
  const api = judgeRequest(wanted.httpsRequest, https, folder.cluster);
  if (api.kind === 'refused') throw refused(wanted.name, api.why);
  const wish = { validDays: undefined, passphrase };
  const issued = issueFor(
    node,
    { ...wish, hosts: wanted.hosts, publicKey: peer.publicKey },
    folder,
    authorityMachine,
  );
  const httpsHosts = [...new Set([...wanted.hosts, '127.0.0.1', 'localhost'])];
  const issuedApi = issueFor(
    https,
    { ...wish, hosts: httpsHosts, publicKey: api.publicKey },
    folder,
    authorityMachine,
  );
  return {
    peerCertificate: issued.certificate,
    peerCa: trustText(folder, 'peer', authorityMachine),
    httpsCertificate: issuedApi.certificate,
    clientCa: trustText(folder, 'client', authorityMachine),
  };
};
