// What is wrong with a leaf certificate, judged by this product's profile and against the CAs it
// is to be trusted by. Stricter than TLS itself, which lets a certificate without purposes pass.
import { authorityIdentityOf } from './authority.ts';
import { authorityKindOf, type Holder, holderOf } from './holder.ts';
import { isP256 } from './key-pair.ts';
import { oidClientAuth, oidServerAuth } from './oid.ts';
import type { CertificateView } from './read-certificate.ts';

/** Why something is not in order. */
export type ProblemCode =
  | 'no_identity'
  | 'wrong_usage'
  | 'wrong_purpose'
  | 'key_type'
  | 'not_yet_valid'
  | 'expired'
  | 'unknown_issuer'
  | 'trust_missing'
  | 'wrong_place'
  | 'wrong_authority'
  | 'other_cluster'
  | 'authority_expired'
  | 'key_missing'
  | 'key_exposed'
  | 'key_mismatch'
  | 'folder_exposed'
  | 'authority_key_present'
  | 'unreadable';

/** One thing that is not in order. */
export interface Problem {
  readonly code: ProblemCode;
  readonly why: string;
}

const purposesOf = ({ kind }: Holder): readonly string[] => {
  switch (kind) {
    case 'node':
      return [oidServerAuth, oidClientAuth];
    case 'user':
      return [oidClientAuth];
    case 'https':
      return [oidServerAuth];
  }
};

const same = (left: readonly string[], right: readonly string[]): boolean =>
  left.toSorted().join() === right.toSorted().join();

const issuerProblem = (
  view: CertificateView,
  found: { readonly holder: Holder; readonly cluster: string | undefined },
  trust: readonly CertificateView[],
  now: Date,
): Problem | undefined => {
  const issuer = trust.find(
    ({ certificate, extensions }) =>
      extensions.authority &&
      view.certificate.checkIssued(certificate) &&
      view.certificate.verify(certificate.publicKey),
  );
  if (issuer === undefined) {
    return { code: 'unknown_issuer', why: 'no CA in the trust file has signed it' };
  }
  const identity = authorityIdentityOf(issuer);
  if (identity !== undefined && identity.kind !== authorityKindOf(found.holder)) {
    return { code: 'wrong_authority', why: `the ${identity.kind} CA does not sign for its kind` };
  }
  if (identity !== undefined && (found.cluster ?? identity.cluster) !== identity.cluster) {
    return { code: 'other_cluster', why: 'it names another cluster than its CA' };
  }
  return issuer.notAfter <= now
    ? { code: 'authority_expired', why: 'the CA that signed it has expired' }
    : undefined;
};

/** Problems of one certificate; none means that servers will take it. */
export const leafProblems = (
  view: CertificateView,
  trust: readonly CertificateView[],
  now: Date,
): readonly Problem[] => {
  const found = holderOf(view);
  if (found === undefined) {
    return [{ code: 'no_identity', why: 'it names no node, user or HTTPS server' }];
  }
  const { keyUsage, purposes } = view.extensions;
  const problems: (Problem | false | undefined)[] = [
    !same(keyUsage, ['digitalSignature']) && {
      code: 'wrong_usage',
      why: 'its key usage is not digitalSignature alone',
    },
    !same(purposes, purposesOf(found.holder)) && {
      code: 'wrong_purpose',
      why: `its purposes are not those of a ${found.holder.kind} certificate`,
    },
    !isP256(view.certificate.publicKey) && { code: 'key_type', why: 'its key is not P-256' },
    now < view.notBefore && { code: 'not_yet_valid', why: 'it is not valid yet' },
    now >= view.notAfter && { code: 'expired', why: 'it has expired' },
    issuerProblem(view, found, trust, now),
  ];
  return problems.filter((problem) => problem !== false && problem !== undefined);
};
