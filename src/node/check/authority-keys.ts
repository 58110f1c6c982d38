// Whether the key of a CA lies where a server can read it: whoever takes over the server could make
// nodes and users with it.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { dirname, join } from 'node:path';
import { CodedError } from '#errors.ts';
import { type FileSystem, systemErrorCode } from '#io/file-system.ts';
import type { NodeConfig } from '#node/config.ts';
import { readPublicText } from '#node/node-files.ts';
import { certificateBlocksIn } from '#tls/certificate.ts';

const isKeyOf = (text: string, authorities: readonly X509Certificate[]): boolean => {
  // The certificate tool's own form for a key under a passphrase: only CA keys have it.
  if (text.includes('-----BEGIN STOCKADE SEALED KEY-----')) return true;
  try {
    const key = createPrivateKey(text);
    return authorities.some((authority) => authority.checkPrivateKey(key));
  } catch {
    return false;
  }
};

/** What this user cannot read, the server cannot lose. */
const namesIn = (folder: string, files: FileSystem): readonly string[] => {
  try {
    return files.list(folder);
  } catch (error) {
    if (systemErrorCode(error) !== undefined) return [];
    throw error;
  }
};

const textIn = (path: string, files: FileSystem): string => {
  try {
    return readPublicText(path, files);
  } catch (error) {
    if (error instanceof CodedError) return '';
    throw error;
  }
};

/**
 * Looks into the folders of this node's certificates.
 *
 * @throws CodedError `file_permissions` with the key's path
 */
export const refuseAuthorityKeys = (
  { peer, http }: Pick<NodeConfig, 'peer' | 'http'>,
  files: FileSystem,
): void => {
  const trusted = [peer.ca, ...(http.clientCa === undefined ? [] : [http.clientCa])];
  const authorities = trusted
    .flatMap((path) => certificateBlocksIn(readPublicText(path, files)))
    .map((block) => new X509Certificate(block));
  const folders = new Set([peer.certificate, peer.ca, http.certificate, ...trusted].map(dirname));
  for (const folder of folders) {
    for (const name of namesIn(folder, files).filter((file) => file.endsWith('.key'))) {
      const path = join(folder, name);
      if (files.status(path)?.kind !== 'file') continue;
      if (!isKeyOf(textIn(path, files), authorities)) continue;
      throw new CodedError('file_permissions', `${path} is the key of a CA`, {
        hint: 'It does not belong on a server: move it to where certificates are signed.',
      });
    }
  }
};
