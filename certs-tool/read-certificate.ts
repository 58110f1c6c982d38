// Reads one certificate into plain data. node:crypto judges keys and signatures; what it does not
// show (key usage, path length, critical bits, the exact names) is read from the DER itself.
import { X509Certificate } from 'node:crypto';
import { CodedError } from '#errors.ts';
import {
  DerError,
  type DerNode,
  derFrom,
  hexIntegerOf,
  objectIdentifierOf,
  partsOf,
  timeOf,
} from './der-reader.ts';
import { oidCommonName, oidOrganizationalUnitName } from './oid.ts';
import { pemBlocksFrom } from './pem.ts';
import { type ExtensionsView, extensionsFrom } from './read-extensions.ts';

/** A certificate is below 1 KiB; this leaves room for other tools' and bounds the reader. */
const certificateBytesMax = 16 * 1024;

/** A name as it stands in the DER, and the two attributes that are read. */
export interface NameView {
  readonly node: DerNode;
  readonly commonName: string | undefined;
  readonly unit: string | undefined;
}

/** What a certificate says. */
export interface CertificateView {
  /** The certificate itself, for keys and signatures. */
  readonly certificate: X509Certificate;
  /** Lower-case hexadecimal. */
  readonly serial: string;
  readonly issuer: NameView;
  readonly subject: NameView;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions: ExtensionsView;
}

/** A name's attributes by identifier. @throws DerError */
export const nameFrom = (node: DerNode | undefined): NameView => {
  const attributes = new Map<string, string>();
  for (const set of partsOf(node)) {
    for (const attribute of set.children) {
      const [oid, value] = partsOf(attribute);
      const type = objectIdentifierOf(oid);
      if (type === oidCommonName && attributes.has(type)) {
        throw new DerError('a name has two common names');
      }
      attributes.set(type, value?.content.toString('utf8') ?? '');
    }
  }
  if (node === undefined) throw new DerError('a name is missing');
  return {
    node,
    commonName: attributes.get(oidCommonName),
    unit: attributes.get(oidOrganizationalUnitName),
  };
};

const viewOf = (der: Buffer): CertificateView => {
  const [toBeSigned] = partsOf(derFrom(der));
  const [version, serial, , issuer, validity, subject, , ...rest] = partsOf(toBeSigned);
  if (version?.tag !== 0xa0) throw new DerError('it is not of version 3');
  const [notBefore, notAfter] = partsOf(validity);
  const extensions = rest.find((part) => part.tag === 0xa3)?.children[0];
  return {
    certificate: new X509Certificate(der),
    serial: hexIntegerOf(serial),
    issuer: nameFrom(issuer),
    subject: nameFrom(subject),
    notBefore: timeOf(notBefore),
    notAfter: timeOf(notAfter),
    extensions: extensionsFrom(extensions),
  };
};

/**
 * The certificates of a PEM text in their order.
 *
 * @throws CodedError `certificate_invalid` when there is none or one cannot be read
 */
export const certificatesFrom = (pem: string): readonly CertificateView[] => {
  const blocks = pemBlocksFrom(pem).filter(({ label }) => label === 'CERTIFICATE');
  if (blocks.length === 0) throw new CodedError('certificate_invalid', 'there is no certificate');
  return blocks.map(({ bytes }) => {
    if (bytes.length > certificateBytesMax) {
      throw new CodedError('certificate_invalid', 'a certificate is too large');
    }
    try {
      return viewOf(bytes);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CodedError('certificate_invalid', `a certificate cannot be read: ${why}`, {
        cause,
      });
    }
  });
};

/** The first certificate of a PEM text. @throws CodedError `certificate_invalid` */
export const certificateFrom = (pem: string): CertificateView => {
  const [first] = certificatesFrom(pem);
  if (first === undefined) throw new CodedError('certificate_invalid', 'there is no certificate');
  return first;
};
