// Certificate revocation lists (RFC 5280 5), version 2, one for each authority. Peers are
// evicted by the cluster's own deny-list; a list is for clients and for what reads X.509 only.
import { randomBytes } from 'node:crypto';
import type { ClusterId } from '#identity/cluster-id.ts';
import { type Authority, type AuthorityKind, openAuthority } from './authority.ts';
import { signatureAlgorithm, signed } from './build-certificate.ts';
import {
  copyOf,
  type DerValue,
  sequence,
  smallInteger,
  time,
  unsignedInteger,
} from './der-writer.ts';
import { authorityKeyIdentifier, crlNumber, extensionsUnder, reasonCode } from './extensions.ts';
import { pemOf } from './pem.ts';
import { backdateMs, type Lifetime, lifetimeMs } from './profile.ts';

/** Reasons that make sense here, with their number in RFC 5280 5.3.1. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
} as const;

/** A reason by its name. */
export type RevocationReason = keyof typeof revocationReasons;

/** A text that is one of the names. */
export const isRevocationReason = (text: string): text is RevocationReason =>
  Object.hasOwn(revocationReasons, text);

/** One revoked certificate. */
export interface Revocation {
  /** Lower-case hexadecimal. */
  readonly serial: string;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
}

/** What a list is made from. */
export interface RevocationListRequest {
  readonly authority: Authority;
  readonly kind: AuthorityKind;
  readonly cluster: ClusterId;
  /** Must be above the number of every earlier list of this authority. */
  readonly number: number;
  readonly revoked: readonly Revocation[];
  /** Days until the next list is due; readers refuse every certificate after that. */
  readonly validDays?: number;
  readonly now?: Date;
}

/** An expired list locks everybody out, so it lives long; a new one can be made on any day. */
export const revocationListLifetime: Lifetime = { days: 30, daysMax: 366, spread: 0 };

const entry = ({ serial, revokedAt, reason }: Revocation): DerValue =>
  sequence(
    unsignedInteger(Buffer.from(serial, 'hex')),
    time(revokedAt),
    // RFC 5280 5.3.1: leave the extension out rather than write "unspecified".
    reason === 'unspecified' ? undefined : sequence(reasonCode(revocationReasons[reason])),
  );

/**
 * A list as PEM.
 *
 * @throws CodedError `certificate_invalid` when the authority cannot be used, `config_invalid`
 * when the lifetime is out of bounds
 */
export const createRevocationList = (request: RevocationListRequest): string => {
  const { now = new Date(), revoked } = request;
  const { key, keyId, view } = openAuthority(request.authority, request, now);
  const life = lifetimeMs(revocationListLifetime, request.validDays, randomBytes);
  const toBeSigned = sequence(
    smallInteger(1),
    signatureAlgorithm(),
    copyOf(view.subject.node),
    time(new Date(now.getTime() - backdateMs)),
    time(new Date(now.getTime() + life)),
    revoked.length === 0 ? undefined : sequence(...revoked.map(entry)),
    extensionsUnder(0, [authorityKeyIdentifier(keyId), crlNumber(request.number)]),
  );
  return pemOf('X509 CRL', signed(toBeSigned, key));
};
