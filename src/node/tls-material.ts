// Certificates, keys and CAs as files: read and checked at the start, read anew when asked, the
// last good ones kept when the new ones cannot be used.
import { loadHttpsMaterial, loadPeerMaterial, type ReadFile } from '#tls/load-material.ts';
import { type ReloadableMaterial, reloadableMaterial } from '#tls/reloadable-material.ts';
import type { HttpsMaterial, PeerMaterial } from '#tls/tls-options.ts';
import type { NodeConfig } from './config.ts';
import type { FolderIdentity } from './identity-file.ts';
import type { NodeEffects } from './node-effects.ts';
import { readPrivateText, readPublicText } from './node-files.ts';

/** Keys must be private, certificates may be read by anyone. */
const readFileOf =
  (keyPath: string, { files }: NodeEffects): ReadFile =>
  (path) =>
    path === keyPath ? readPrivateText(path, files) : readPublicText(path, files);

/** The peer port's material. @throws CodedError with the file and what is wrong with it */
export const openPeerMaterial = (
  peer: NodeConfig['peer'],
  identity: FolderIdentity,
  effects: NodeEffects,
): ReloadableMaterial<PeerMaterial> =>
  reloadableMaterial(() =>
    loadPeerMaterial(peer, readFileOf(peer.key, effects), identity, effects.clock.wallMs()),
  );

/** The API's material. @throws CodedError with the file and what is wrong with it */
export const openHttpsMaterial = (
  http: Pick<NodeConfig['http'], 'certificate' | 'key' | 'clientCa'>,
  effects: NodeEffects,
): ReloadableMaterial<HttpsMaterial> =>
  reloadableMaterial(() =>
    loadHttpsMaterial(http, readFileOf(http.key, effects), effects.clock.wallMs()),
  );
