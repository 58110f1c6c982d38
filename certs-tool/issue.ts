// Issues certificates by the profile: nodes from the peer CA, HTTPS servers and users from the
// client CA. Pure functions over PEM texts. With `publicKey` the holder keeps its key and only
// the certificate comes back; nothing else of a request is ever taken over.
import { type KeyObject, randomBytes } from 'node:crypto';
import { certificateUriOf } from '#identity/certificate-uri.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import type { UserName } from '#identity/user-name.ts';
import { type Authority, type AuthorityKind, openAuthority } from './authority.ts';
import { buildCertificate, leafName, newSerial } from './build-certificate.ts';
import { copyOf } from './der-writer.ts';
import {
  authorityKeyIdentifier,
  extendedKeyUsage,
  leafConstraints,
  leafKeyUsage,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts';
import { type Host, hostsFrom } from './host.ts';
import { keyIdOf, newKeyPair, publicKeyFrom } from './key-pair.ts';
import { oidClientAuth, oidServerAuth } from './oid.ts';
import {
  backdateMs,
  httpsLifetime,
  type Lifetime,
  lifetimeMs,
  nodeLifetime,
  type RandomBytes,
  userLifetime,
} from './profile.ts';

/** What every certificate is issued from. */
export interface IssueRequest {
  readonly authority: Authority;
  readonly cluster: ClusterId;
  /**
   * Around this many days (see profile.ts for default, bound and spread); never past the CA's
   * end.
   */
  readonly validDays?: number;
  /** Default: this moment. */
  readonly now?: Date;
  /** The holder's public key (PEM, P-256). Without it a key is made and returned. */
  readonly publicKey?: string;
  readonly randomBytes?: RandomBytes;
}

/** A node: `hosts` are the DNS names and IP addresses that other nodes dial. */
export interface NodeRequest extends IssueRequest {
  readonly name: NodeName;
  readonly hosts: readonly string[];
}

/** An HTTPS server: `hosts` are what clients type; the first is the common name. */
export interface HttpsRequest extends IssueRequest {
  readonly hosts: readonly string[];
}

/** A user of the API. */
export interface UserRequest extends IssueRequest {
  readonly name: UserName;
}

/** Certificate and key as PEM; the key is undefined when the request brought a public key. */
export interface Issued {
  readonly certificate: string;
  readonly key: string | undefined;
}

/** Certificate and new key as PEM. */
export interface IssuedWithKey extends Issued {
  readonly key: string;
}

/** Requests without a public key of their own get a key. */
type Keyless<Request extends IssueRequest> = Request & { readonly publicKey?: never };

interface LeafProfile {
  readonly kind: AuthorityKind;
  readonly lifetime: Lifetime;
  readonly purposes: readonly string[];
  readonly commonName: string;
  readonly uri: string | undefined;
  readonly hosts: readonly Host[];
}

/** RFC 5280 A.1: ub-common-name. */
const commonNameMax = 64;

const holderKey = (
  request: IssueRequest,
): { readonly publicKey: KeyObject; readonly key: string | undefined } =>
  request.publicKey === undefined
    ? newKeyPair()
    : { publicKey: publicKeyFrom(request.publicKey), key: undefined };

const issueLeaf = (profile: LeafProfile, request: IssueRequest): Issued => {
  const { now = new Date(), cluster } = request;
  const random = request.randomBytes ?? randomBytes;
  const authority = openAuthority(request.authority, { kind: profile.kind, cluster }, now);
  const life = lifetimeMs(profile.lifetime, request.validDays, random);
  const end = Math.min(now.getTime() + life, authority.view.notAfter.getTime());
  const { publicKey, key } = holderKey(request);
  const certificate = buildCertificate(
    {
      serial: newSerial(random),
      issuer: copyOf(authority.view.subject.node),
      notBefore: new Date(now.getTime() - backdateMs),
      notAfter: new Date(end),
      subject: leafName(profile.commonName),
      publicKey,
      extensions: [
        leafConstraints(),
        leafKeyUsage(),
        extendedKeyUsage(profile.purposes),
        subjectAltName(profile.uri, profile.hosts),
        subjectKeyIdentifier(keyIdOf(publicKey)),
        authorityKeyIdentifier(authority.keyId),
      ],
    },
    authority.key,
  );
  return { certificate, key };
};

/**
 * A node's certificate, from the peer CA: URI, hosts, serverAuth and clientAuth.
 *
 * @throws CodedError `certificate_invalid` when the authority or the public key cannot be used;
 * `config_invalid` when a host or the lifetime is refused
 */
export function issueNode(request: Keyless<NodeRequest>): IssuedWithKey;
export function issueNode(request: NodeRequest): Issued;
export function issueNode(request: NodeRequest): Issued {
  const { cluster, name, hosts } = request;
  return issueLeaf(
    {
      kind: 'peer',
      lifetime: nodeLifetime,
      purposes: [oidServerAuth, oidClientAuth],
      commonName: name,
      uri: certificateUriOf({ kind: 'node', cluster, name }),
      hosts: hostsFrom(hosts),
    },
    request,
  );
}

/**
 * An HTTPS server's certificate, from the client CA: hosts, serverAuth, no identity URI.
 *
 * @throws CodedError as {@link issueNode}
 */
export function issueHttps(request: Keyless<HttpsRequest>): IssuedWithKey;
export function issueHttps(request: HttpsRequest): Issued;
export function issueHttps(request: HttpsRequest): Issued {
  const hosts = hostsFrom(request.hosts);
  return issueLeaf(
    {
      kind: 'client',
      lifetime: httpsLifetime,
      purposes: [oidServerAuth],
      commonName: hosts.find(({ text }) => text.length <= commonNameMax)?.text ?? 'https',
      uri: undefined,
      hosts,
    },
    request,
  );
}

/**
 * A user's certificate, from the client CA: URI, clientAuth, no host.
 *
 * @throws CodedError as {@link issueNode}
 */
export function issueUser(request: Keyless<UserRequest>): IssuedWithKey;
export function issueUser(request: UserRequest): Issued;
export function issueUser(request: UserRequest): Issued {
  const { cluster, name } = request;
  return issueLeaf(
    {
      kind: 'client',
      lifetime: userLifetime,
      purposes: [oidClientAuth],
      commonName: name,
      uri: certificateUriOf({ kind: 'user', cluster, name }),
      hosts: [],
    },
    request,
  );
}
