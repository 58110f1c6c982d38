// Certificate, key and CA of the peer port as files: read at the start, read anew when asked, the
// last good ones kept when the new ones cannot be used.
import type { FileSystem } from '#io/file-system.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import type { NodeConfig } from './config.ts';
import { readPrivateText, readPublicText } from './node-files.ts';

/** @throws CodedError with the file and what is wrong with it */
export const readPeerMaterial = (peer: NodeConfig['peer'], files: FileSystem): PeerMaterial => ({
  certificate: readPublicText(peer.certificate, files),
  key: readPrivateText(peer.key, files),
  ca: readPublicText(peer.ca, files),
});
