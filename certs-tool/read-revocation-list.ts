// Reads a revocation list into plain data, for showing it and for checking its dates.
import { type KeyObject, verify } from 'node:crypto';
import { CodedError } from '#errors.ts';
import { isOurAlgorithm } from './build-certificate.ts';
import {
  DerError,
  derFrom,
  hexIntegerOf,
  partsOf,
  smallIntegerOf,
  tagSequence,
  timeOf,
  wholeBytesOf,
} from './der-reader.ts';
import { oidCrlNumber } from './oid.ts';
import type { PemBlock } from './pem.ts';
import { type NameView, nameFrom } from './read-certificate.ts';
import { extensionsFrom } from './read-extensions.ts';

/** A list of 100,000 entries is about 5 MiB. */
const listBytesMax = 8 * 1024 * 1024;

/** What a list says. */
export interface RevocationListView {
  readonly issuer: NameView;
  readonly authorityKeyId: string | undefined;
  readonly number: number | undefined;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Lower-case hexadecimal, in the list's order. */
  readonly serials: readonly string[];
  /** Whether `key` signed it, with the one algorithm of this product. */
  readonly isSignedBy: (key: KeyObject) => boolean;
}

const viewOf = (der: Buffer): RevocationListView => {
  const [list, algorithm, signature] = partsOf(derFrom(der));
  const [version, , issuer, thisUpdate, nextUpdate, ...rest] = partsOf(list);
  if (list === undefined || smallIntegerOf(version) !== 1)
    throw new DerError('it is not version 2');
  const revoked = rest.find((part) => part.tag === tagSequence);
  const extensions = extensionsFrom(rest.find((part) => part.tag === 0xa0)?.children[0]);
  const number = extensions.all.find(({ oid }) => oid === oidCrlNumber);
  const ours = isOurAlgorithm(algorithm);
  const bytes = wholeBytesOf(signature);
  return {
    issuer: nameFrom(issuer),
    authorityKeyId: extensions.authorityKeyId,
    number: number === undefined ? undefined : smallIntegerOf(derFrom(number.value)),
    thisUpdate: timeOf(thisUpdate),
    nextUpdate: timeOf(nextUpdate),
    serials:
      revoked === undefined ? [] : revoked.children.map((one) => hexIntegerOf(partsOf(one)[0])),
    isSignedBy: (key) => ours && verify('sha256', list.bytes, key, bytes),
  };
};

/** @throws CodedError `certificate_invalid` when the block is not a revocation list */
export const revocationListFrom = ({ bytes }: PemBlock): RevocationListView => {
  try {
    if (bytes.length > listBytesMax) throw new DerError('it is too large');
    return viewOf(bytes);
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new CodedError(
      'certificate_invalid',
      `a revocation list cannot be read: ${cause.message}`,
      {
        cause,
      },
    );
  }
};
