// Whom a certificate is for, as commands and the inventory write it: `node:n1`, `user:ada`, and
// `https:n1.example.com` for a server's, which carries no identity but its hosts.
import { CodedError } from '#errors.ts';
import { certificateUriOf, identityFromUri } from '#identity/certificate-uri.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import { type NodeName, nodeNameFrom } from '#identity/node-name.ts';
import { type UserName, userNameFrom } from '#identity/user-name.ts';
import type { AuthorityKind } from './authority.ts';
import { hostsFrom } from './host.ts';
import { oidServerAuth } from './oid.ts';
import type { CertificateView } from './read-certificate.ts';

/** The holder of a certificate. An HTTPS server goes by the first of its hosts. */
export type Holder =
  | { readonly kind: 'node'; readonly name: NodeName }
  | { readonly kind: 'user'; readonly name: UserName }
  | { readonly kind: 'https'; readonly name: string };

/** The notation that {@link holderFrom} reads. */
export const holderText = ({ kind, name }: Holder): string => `${kind}:${name}`;

/**
 * The holder in `node:NAME`, `user:NAME` or `https:HOST`.
 *
 * @throws CodedError `usage` when the text has another form, `config_invalid` when the name is
 * refused
 */
export const holderFrom = (text: string): Holder => {
  const [, kind, name = ''] = /^(node|user|https):(.+)$/.exec(text) ?? [];
  if (kind === 'node') return { kind, name: nodeNameFrom(name) };
  if (kind === 'user') return { kind, name: userNameFrom(name) };
  if (kind === 'https') return { kind, name: hostsFrom([name])[0]?.text ?? name };
  throw new CodedError('usage', `${JSON.stringify(text)} does not name a holder`, {
    hint: 'write node:NAME, user:NAME or https:HOST',
  });
};

/** Which authority signs for a holder. */
export const authorityKindOf = ({ kind }: Holder): AuthorityKind =>
  kind === 'node' ? 'peer' : 'client';

/** The identity URI of a holder's certificate; an HTTPS server's has none. */
export const holderUri = (holder: Holder, cluster: ClusterId): string | undefined =>
  holder.kind === 'https' ? undefined : certificateUriOf(identityOf(holder, cluster));

const identityOf = (holder: Exclude<Holder, { kind: 'https' }>, cluster: ClusterId) =>
  holder.kind === 'node'
    ? ({ kind: 'node', cluster, name: holder.name } as const)
    : ({ kind: 'user', cluster, name: holder.name } as const);

/**
 * The holder a certificate names and its cluster, or undefined when it is none of this product.
 */
export const holderOf = (
  view: CertificateView,
): { readonly holder: Holder; readonly cluster: ClusterId | undefined } | undefined => {
  const { authority, uris, hosts, otherNames, purposes } = view.extensions;
  if (authority || otherNames > 0 || uris.length > 1) return undefined;
  const [[uri], [host]] = [uris, hosts];
  if (uri === undefined) {
    return host !== undefined && purposes.includes(oidServerAuth)
      ? { holder: { kind: 'https', name: host }, cluster: undefined }
      : undefined;
  }
  const identity = identityFromUri(uri);
  if (identity === undefined) return undefined;
  const holder: Holder =
    identity.kind === 'node'
      ? { kind: 'node', name: identity.name }
      : { kind: 'user', name: identity.name };
  return { holder, cluster: identity.cluster };
};
