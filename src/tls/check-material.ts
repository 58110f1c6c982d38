// Everything that can be known about certificates and keys before they are used: that they can be
// read, belong together, lead to the authority, are within their dates, of usable strength and made
// for the purpose. Used at start and before a reload; whatever fails is told with what to do about
// it.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { CodedError } from '#errors.ts';
import type { ClusterId } from '#identity/cluster-id.ts';
import type { NodeName } from '#identity/node-name.ts';
import { certificateBlocksIn, certificateIdentityOf, isIssuedBy, purpose } from './certificate.ts';
import type { HttpsMaterial, PeerMaterial } from './tls-options.ts';

/** Who this node is, by its configuration and its data folder. */
export interface ExpectedNode {
  readonly cluster: ClusterId;
  readonly name: NodeName;
}

/** A chain longer than this is an attack or a mistake: ours are leaf and root. */
const chainLengthMax = 5;
/** Two generations of an authority during a rollover, and room for a mistake. */
const authoritiesMax = 8;
const rsaBitsMin = 2048;
const curves: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1'];

const invalid = (message: string, hint: string, cause?: unknown): CodedError =>
  new CodedError('certificate_invalid', message, {
    hint,
    ...(cause === undefined ? {} : { cause }),
  });

const certificatesIn = (pem: string, what: string, max: number): readonly X509Certificate[] => {
  const blocks = certificateBlocksIn(pem);
  if (blocks.length === 0 || blocks.length > max) {
    throw invalid(
      `${what} holds ${blocks.length} certificates, not 1 to ${max}`,
      'It must be a PEM file with "-----BEGIN CERTIFICATE-----" blocks.',
    );
  }
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw invalid(`${what} cannot be read`, 'Copy the file anew from where it was made.', cause);
    }
  });
};

const keyIn = (pem: string, what: string): KeyObject => {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw invalid(
      `the key of ${what} cannot be read`,
      'It must be one private key in PEM without a passphrase, readable by the server only.',
      cause,
    );
  }
};

const requireDates = (certificate: X509Certificate, what: string, nowMs: number): void => {
  if (nowMs > certificate.validToDate.getTime()) {
    throw invalid(
      `${what} expired on ${certificate.validTo}`,
      'Renew it with `stockade-certs renew`; data and membership are not touched by that.',
    );
  }
  if (nowMs < certificate.validFromDate.getTime()) {
    throw invalid(
      `${what} is not valid before ${certificate.validFrom}`,
      'Check the clock of this machine and of the one where it was made.',
    );
  }
};

const requireStrength = (certificate: X509Certificate, what: string): void => {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate.publicKey;
  const strong =
    (type === 'ec' && curves.includes(details?.namedCurve ?? '')) ||
    (type === 'rsa' && (details?.modulusLength ?? 0) >= rsaBitsMin);
  const oldHash = /md5|sha1/i.test(certificate.signatureAlgorithm ?? '');
  if (strong && !oldHash) return;
  throw invalid(
    `${what} has a weak key or signature (${type}, ${certificate.signatureAlgorithm})`,
    `Use ECDSA on P-256, P-384 or P-521, or RSA from ${rsaBitsMin} bits, signed with SHA-256 or better.`,
  );
};

const requireChain = (
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  what: string,
): void => {
  const broken = chain.findIndex((certificate, at) => {
    const above = chain[at + 1];
    return above !== undefined && !isIssuedBy(certificate, above);
  });
  const last = chain.at(-1);
  if (broken === -1 && last && authorities.some((authority) => isIssuedBy(last, authority))) return;
  throw invalid(
    `${what} does not lead to the authority that this node trusts`,
    'Certificate and CA file must be of the same authority; intermediates follow the leaf in its file.',
  );
};

/** The leaf of a chain whose form, key, strength and dates are in order. */
const checkedChain = (
  pem: string,
  keyPem: string,
  what: string,
  nowMs: number,
): readonly [X509Certificate, ...X509Certificate[]] => {
  const [leaf, ...rest] = certificatesIn(pem, what, chainLengthMax);
  if (leaf === undefined) throw invalid(`${what} is empty`, 'Copy the file anew.');
  if (!leaf.checkPrivateKey(keyIn(keyPem, what))) {
    throw invalid(
      `the key does not belong to ${what}`,
      'Put the certificate and the key that were made together side by side.',
    );
  }
  for (const certificate of [leaf, ...rest]) {
    requireDates(certificate, what, nowMs);
    requireStrength(certificate, what);
  }
  return [leaf, ...rest];
};

const checkedAuthorities = (
  pem: string,
  what: string,
  nowMs: number,
): readonly X509Certificate[] => {
  const authorities = certificatesIn(pem, what, authoritiesMax);
  for (const authority of authorities) {
    requireDates(authority, what, nowMs);
    requireStrength(authority, what);
    if (!authority.ca) {
      throw invalid(`${what} holds a certificate that is no authority`, 'Name the CA file there.');
    }
  }
  return authorities;
};

/**
 * Checks what the peer port presents and trusts.
 *
 * @throws CodedError `certificate_invalid` with the reason and what to do
 */
export const checkPeerMaterial = (
  material: PeerMaterial,
  expected: ExpectedNode,
  nowMs: number,
): void => {
  const what = 'the peer certificate';
  const chain = checkedChain(material.certificate, material.key, what, nowMs);
  requireChain(chain, checkedAuthorities(material.ca, 'the peer CA file', nowMs), what);
  const identity = certificateIdentityOf(chain[0], [purpose.serverAuth, purpose.clientAuth]);
  if (identity.kind === 'refused') {
    throw invalid(
      `the peer certificate cannot stand for a node (${identity.reason})`,
      'Make one with `stockade-certs node`: server and client purpose, one node URI, no CA.',
    );
  }
  const { kind, cluster, name } = identity;
  if (kind === 'node' && cluster === expected.cluster && name === expected.name) return;
  throw invalid(
    `the peer certificate is of ${kind} ${name} in cluster ${cluster}, this is node ${expected.name} in cluster ${expected.cluster}`,
    'Use the certificate that was made for this node.',
  );
};

/**
 * Checks what the API presents and, if it takes client certificates, whom it trusts for them. The
 * server's own chain may lead to any authority: its clients decide about that.
 *
 * @throws CodedError `certificate_invalid` with the reason and what to do
 */
export const checkHttpsMaterial = (material: HttpsMaterial, nowMs: number): void => {
  const what = 'the HTTPS certificate';
  const [leaf] = checkedChain(material.certificate, material.key, what, nowMs);
  const usages: readonly string[] = leaf.keyUsage ?? [];
  if (leaf.ca || !usages.includes(purpose.serverAuth)) {
    throw invalid(
      'the HTTPS certificate is not made for a server',
      'Make one with `stockade-certs node`, or ask your authority for one with serverAuth.',
    );
  }
  if (leaf.subjectAltName === undefined) {
    throw invalid(
      'the HTTPS certificate names no host',
      'Clients compare the host with its subject alternative names: make it with `--host`.',
    );
  }
  if (material.clientCa !== undefined) {
    checkedAuthorities(material.clientCa, 'the client CA file', nowMs);
  }
};
