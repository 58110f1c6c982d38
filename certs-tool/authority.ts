// The two certificate authorities of a cluster: the peer CA signs nodes, the client CA signs
// HTTPS servers and users. Two separate roots, so that neither kind can ever pass for the other.
// Pure functions over PEM texts: no files, no network.
import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import { CodedError } from '#errors.ts';
import { type ClusterId, clusterIdFrom } from '#identity/cluster-id.ts';
import { authorityName, buildCertificate, newSerial } from './build-certificate.ts';
import { authorityConstraints, authorityKeyUsage, subjectKeyIdentifier } from './extensions.ts';
import { keyIdOf, newKeyPair, privateKeyFrom } from './key-pair.ts';
import { authorityLifetime, backdateMs, lifetimeMs, type RandomBytes } from './profile.ts';
import { type CertificateView, certificateFrom } from './read-certificate.ts';
import { isSealedKey, sealKey } from './sealed-key.ts';

/** Which of the two authorities. */
export type AuthorityKind = 'peer' | 'client';

/**
 * An authority as PEM texts: its certificate and its key (PKCS#8, or sealed under a passphrase).
 */
export interface Authority {
  readonly certificate: string;
  readonly key: string;
}

/** What a new authority is made from. */
export interface AuthorityRequest {
  readonly kind: AuthorityKind;
  readonly cluster: ClusterId;
  /** 1 for the first; each successor counts one up and shows it in its name. */
  readonly generation?: number;
  /** Default 1825, at most 3650. */
  readonly validDays?: number;
  /** Default: this moment. */
  readonly now?: Date;
  /** When given, the key comes back sealed (docs/formats/sealed-key.md). */
  readonly passphrase?: string;
  readonly randomBytes?: RandomBytes;
}

/** An authority that has been read and checked, ready to sign. */
export interface OpenAuthority {
  readonly view: CertificateView;
  readonly key: KeyObject;
  readonly keyId: Buffer;
}

/** What an authority's certificate says it is. */
export interface AuthorityIdentity {
  readonly kind: AuthorityKind;
  readonly cluster: ClusterId;
  readonly generation: number;
}

/**
 * A new authority: P-256, five years, CA:TRUE with path length 0, signs itself.
 *
 * @throws CodedError `config_invalid` when the lifetime is out of bounds
 */
export const createAuthority = (request: AuthorityRequest): Authority => {
  const { kind, cluster, generation = 1, now = new Date(), passphrase } = request;
  const random = request.randomBytes ?? randomBytes;
  const name = authorityName(cluster, `${cluster} ${kind} CA g${generation}`);
  const { key, publicKey } = newKeyPair();
  const life = lifetimeMs(authorityLifetime, request.validDays, random);
  const certificate = buildCertificate(
    {
      serial: newSerial(random),
      issuer: name,
      notBefore: new Date(now.getTime() - backdateMs),
      notAfter: new Date(now.getTime() + life),
      subject: name,
      publicKey,
      extensions: [
        authorityConstraints(),
        authorityKeyUsage(),
        subjectKeyIdentifier(keyIdOf(publicKey)),
      ],
    },
    createPrivateKey(key),
  );
  return { certificate, key: passphrase === undefined ? key : sealKey(key, passphrase, random) };
};

/** Who an authority is by its certificate's name, or undefined when it is none of this product. */
export const authorityIdentityOf = (view: CertificateView): AuthorityIdentity | undefined => {
  const { commonName = '', unit } = view.subject;
  const match = /^([0-9a-f]{32}) (peer|client) CA g([1-9][0-9]{0,5})$/.exec(commonName);
  const [, cluster, kind, generation] = match ?? [];
  if (!view.extensions.authority || cluster === undefined || cluster !== unit) return undefined;
  return {
    kind: kind === 'peer' ? 'peer' : 'client',
    cluster: clusterIdFrom(cluster),
    generation: Number(generation),
  };
};

const invalid = (message: string, hint: string): CodedError =>
  new CodedError('certificate_invalid', message, { hint });

const caKeyFrom = (pem: string): KeyObject => {
  if (!isSealedKey(pem)) return privateKeyFrom(pem);
  throw invalid('the CA key is under a passphrase', 'unseal it first: give its passphrase');
};

/**
 * Reads an authority and checks that it can sign now: a CA of the wanted kind and cluster, within
 * its dates, with the key that belongs to it.
 *
 * @throws CodedError `certificate_invalid` with the reason
 */
export const openAuthority = (
  authority: Authority,
  wanted: { readonly kind: AuthorityKind; readonly cluster: ClusterId },
  now: Date,
): OpenAuthority => {
  const view = certificateFrom(authority.certificate);
  const identity = authorityIdentityOf(view);
  if (identity?.kind !== wanted.kind) {
    throw invalid(
      `this is not a ${wanted.kind} CA`,
      'nodes are signed by the peer CA, others by the client CA',
    );
  }
  if (identity.cluster !== wanted.cluster) {
    throw invalid(`this CA is of cluster ${identity.cluster}`, `use the CA of ${wanted.cluster}`);
  }
  if (now < view.notBefore || now >= view.notAfter) {
    throw invalid(
      'the CA is outside its dates',
      'check the clock; else make a new CA with `rotate`',
    );
  }
  const key = caKeyFrom(authority.key);
  if (!view.certificate.checkPrivateKey(key)) {
    throw invalid('the CA key does not belong to the CA certificate', 'use the pair made together');
  }
  return { view, key, keyId: Buffer.from(view.extensions.keyId ?? '', 'hex') };
};
