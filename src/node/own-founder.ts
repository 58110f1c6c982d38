// This node as it wants to be recorded by its cluster.
import { X509Certificate } from 'node:crypto';
import type { Founder } from '#cluster/forming/introduction.ts';
import { keyPinOf } from '#tls/certificate.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import { addressText, type NodeConfig } from './config.ts';
import type { FolderIdentity } from './identity-file.ts';

/** Name and disk of its folder, key of its certificate, addresses of its configuration. */
export const ownFounder = (
  { peer, http }: NodeConfig,
  { name, store }: FolderIdentity,
  { certificate }: PeerMaterial,
): Founder => ({
  name,
  storeId: store,
  keyPin: keyPinOf(new X509Certificate(certificate)),
  peerAddress: addressText(peer.advertise),
  apiUrl: `https://${addressText(http.advertise)}`,
});
