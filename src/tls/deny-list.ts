// Whom the cluster shuts out although the certificate is in order: by a node's name, or by a
// certificate's serial number. The list is replicated state; here it is only read, the same way for
// the peer port, its diallers and the API.
import type { X509Certificate } from 'node:crypto';
import type { DeniedRecord } from '#command/member.ts';

/** What of a certificate a denial can name. */
export interface CertificateMarks {
  /** Serial number, upper-case hexadecimal without leading zeros. */
  readonly serial: string;
  /** Key identifier of the authority that signed it, lower-case; empty when it says none. */
  readonly issuer: string;
}

/** authorityKeyIdentifier with a keyIdentifier (RFC 5280, 4.2.1.1), its DER in hexadecimal. */
const authorityKeyIdentifier =
  /0603551d2304[0-9a-f]{2}30[0-9a-f]{2}80([0-9a-f]{2})((?:[0-9a-f]{2}){1,64})/;

/** A serial number as denials hold it. */
export const canonicalSerial = (serial: string): string =>
  serial
    .replaceAll(':', '')
    .toUpperCase()
    .replace(/^0+(?=.)/, '');

/** What of a certificate a denial can name. */
export const marksOf = (certificate: X509Certificate): CertificateMarks => {
  const [, size = '00', rest = ''] =
    authorityKeyIdentifier.exec(certificate.raw.toString('hex')) ?? [];
  return {
    serial: canonicalSerial(certificate.serialNumber),
    issuer: rest.slice(0, 2 * Number.parseInt(size, 16)),
  };
};

/** Whether a denial is of this node (by its name) or of this certificate. */
export const isDeniedBy = (
  denial: Pick<DeniedRecord, 'name' | 'serial' | 'issuer'>,
  { serial, issuer }: CertificateMarks,
  node?: string,
): boolean =>
  (denial.name !== '' && denial.name === node) ||
  (denial.serial !== '' &&
    denial.serial === serial &&
    (denial.issuer === '' || denial.issuer === issuer));

/** The first denial of a node (by its name) or of a certificate; undefined when there is none. */
export const denialOf = (
  denied: readonly DeniedRecord[],
  marks: CertificateMarks,
  node?: string,
): DeniedRecord | undefined => denied.find((denial) => isDeniedBy(denial, marks, node));
