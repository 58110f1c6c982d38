// What a certificate says about its holder: exactly one URI, `spiffe://<cluster>/node/<name>` for a
// node and `spiffe://<cluster>/user/<name>` for a user. The rules are those of SPIFFE X509-SVID,
// made narrower: no escapes, no query, no fragment, no dot segments, nothing after the name.
import { type ClusterId, clusterIdFrom } from './cluster-id.ts';
import { isNodeName, type NodeName } from './node-name.ts';
import { isUserName, type UserName } from './user-name.ts';

/** Who a certificate of this cluster names. */
export type CertificateIdentity =
  | { readonly kind: 'node'; readonly cluster: ClusterId; readonly name: NodeName }
  | { readonly kind: 'user'; readonly cluster: ClusterId; readonly name: UserName };

const pattern = /^spiffe:\/\/([0-9a-f]{32})\/(node|user)\/([A-Za-z0-9._@-]{1,64})$/;

/** The URI that goes into a certificate. */
export const certificateUriOf = (identity: CertificateIdentity): string =>
  `spiffe://${identity.cluster}/${identity.kind}/${identity.name}`;

/** The identity in a URI, or undefined when the URI is not of the one form that is accepted. */
export const identityFromUri = (uri: string): CertificateIdentity | undefined => {
  const match = pattern.exec(uri);
  const [, cluster, kind, name] = match ?? [];
  if (cluster === undefined || name === undefined) return undefined;
  const id = clusterIdFrom(cluster);
  if (kind === 'node') return isNodeName(name) ? { kind, cluster: id, name } : undefined;
  return isUserName(name) ? { kind: 'user', cluster: id, name } : undefined;
};
