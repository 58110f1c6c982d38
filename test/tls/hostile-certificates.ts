// Certificates that a careful authority would never sign, built part by part: everything is as the
// product makes it except for what a test changes.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { type Authority, createAuthority } from '#certs-tool/authority.ts';
import { leafName, signatureAlgorithm, signed } from '#certs-tool/build-certificate.ts';
import { derFrom } from '#certs-tool/der-reader.ts';
import {
  copyOf,
  type DerValue,
  derOf,
  objectIdentifier,
  octetString,
  sequence,
  smallInteger,
  tagged,
  taggedBytes,
  time,
  unsignedInteger,
} from '#certs-tool/der-writer.ts';
import {
  authorityConstraints,
  authorityKeyUsage,
  extendedKeyUsage,
  extensionsUnder,
  leafConstraints,
  leafKeyUsage,
  subjectAltName,
} from '#certs-tool/extensions.ts';
import { hostsFrom } from '#certs-tool/host.ts';
import { oidClientAuth, oidServerAuth, oidSubjectAltName } from '#certs-tool/oid.ts';
import { pemOf } from '#certs-tool/pem.ts';
import { certificateFrom } from '#certs-tool/read-certificate.ts';
import { clusterIdFrom } from '#identity/cluster-id.ts';

export const cluster = clusterIdFrom('0123456789abcdef0123456789abcdef');
export const peerCa = createAuthority({ kind: 'peer', cluster });
const dayMs = 86_400_000;

export interface Changes {
  readonly authority?: Authority;
  /** Default: the one URI of node n2. */
  readonly names?: DerValue | undefined;
  /** Default: server and client. */
  readonly purposes?: readonly string[];
  readonly isAuthority?: boolean;
  readonly keyUsage?: DerValue;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly serial?: Uint8Array;
  /** Common name; default n2. */
  readonly subject?: string;
  /** The holder's own key (PKCS#8 PEM) in place of a new one. */
  readonly key?: string;
  /** An RSA key in place of P-256. */
  readonly rsaBits?: number;
}

export interface Leaf {
  readonly certificate: string;
  readonly key: string;
}

export const uriOf = (name: string, kind = 'node', ofCluster: string = cluster): string =>
  `spiffe://${ofCluster}/${kind}/${name}`;

/** Exactly these URIs, as they are. */
export const urisOf = (...uris: readonly string[]): DerValue =>
  sequence(
    objectIdentifier(oidSubjectAltName),
    octetString(derOf(sequence(...uris.map((uri) => taggedBytes(6, Buffer.from(uri, 'latin1')))))),
  );

/** Names of a certificate: this URI and the loopback address. */
export const namesOf = (uri: string | undefined): DerValue =>
  subjectAltName(uri, hostsFrom(['127.0.0.1', 'localhost']));

export const issueHostile = (changes: Changes = {}): Leaf => {
  const { authority = peerCa, purposes = [oidServerAuth, oidClientAuth] } = changes;
  const names = 'names' in changes ? changes.names : namesOf(uriOf('n2'));
  const { privateKey, publicKey } = keyPairOf(changes);
  const extensions = [
    changes.isAuthority ? authorityConstraints() : leafConstraints(),
    changes.keyUsage ?? (changes.isAuthority ? authorityKeyUsage() : leafKeyUsage()),
    ...(purposes.length === 0 ? [] : [extendedKeyUsage(purposes)]),
    ...(names === undefined ? [] : [names]),
  ];
  const toBeSigned = sequence(
    tagged(0, smallInteger(2)),
    unsignedInteger(changes.serial ?? Uint8Array.of(0x41, ...randomBytes(15))),
    signatureAlgorithm(),
    copyOf(certificateFrom(authority.certificate).subject.node),
    sequence(time(changes.notBefore ?? daysFromNow(-1)), time(changes.notAfter ?? daysFromNow(1))),
    leafName(changes.subject ?? 'n2'),
    copyOf(derFrom(publicKey.export({ type: 'spki', format: 'der' }))),
    extensionsUnder(3, extensions),
  );
  return {
    certificate: pemOf('CERTIFICATE', signed(toBeSigned, createPrivateKey(authority.key))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
};

const keyPairOf = ({
  key,
  rsaBits,
}: Pick<Changes, 'key' | 'rsaBits'>): { privateKey: KeyObject; publicKey: KeyObject } => {
  if (key !== undefined) {
    return { privateKey: createPrivateKey(key), publicKey: createPublicKey(key) };
  }
  return rsaBits === undefined
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: rsaBits });
};

export const daysFromNow = (days: number): Date => new Date(Date.now() + days * dayMs);
