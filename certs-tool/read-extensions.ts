// Reads the extensions of a certificate or of a request into plain data. Strict where it reads;
// an extension that it does not know is listed by its identifier and left alone.
import {
  bitsOf,
  booleanOf,
  DerError,
  type DerNode,
  derFrom,
  expectTag,
  objectIdentifierOf,
  partsOf,
  smallIntegerOf,
  tagBoolean,
  tagOctetString,
} from './der-reader.ts';
import { addressText } from './host.ts';
import {
  oidAuthorityKeyIdentifier,
  oidBasicConstraints,
  oidExtendedKeyUsage,
  oidKeyUsage,
  oidSubjectAltName,
  oidSubjectKeyIdentifier,
} from './oid.ts';

/** Names of the bits of keyUsage in their order (RFC 5280 4.2.1.3). */
const keyUsageNames = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

/** One extension: its identifier, whether it is critical, the value inside its octets. */
export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Buffer;
}

/** What the extensions say. Absent ones are undefined or empty; hexadecimal is in lower case. */
export interface ExtensionsView {
  readonly all: readonly Extension[];
  readonly authority: boolean;
  readonly pathLength: number | undefined;
  readonly keyUsage: readonly string[];
  readonly purposes: readonly string[];
  readonly uris: readonly string[];
  readonly hosts: readonly string[];
  /** Names of another kind than URI, DNS and IP: mail, directory and other names. */
  readonly otherNames: number;
  readonly keyId: string | undefined;
  readonly authorityKeyId: string | undefined;
}

const extensionFrom = (node: DerNode): Extension => {
  const parts = partsOf(node);
  const marked = parts[1]?.tag === tagBoolean;
  if (parts.length !== (marked ? 3 : 2)) throw new DerError('an extension has odd parts');
  return {
    oid: objectIdentifierOf(parts[0]),
    critical: marked && booleanOf(parts[1]),
    value: expectTag(parts[marked ? 2 : 1], tagOctetString).content,
  };
};

const keyUsageFrom = (node: DerNode): string[] => {
  const { bytes } = bitsOf(node);
  return keyUsageNames.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
};

const constraintsFrom = (node: DerNode): { authority: boolean; pathLength?: number } => {
  const [first, second] = partsOf(node);
  if (first === undefined) return { authority: false };
  const authority = booleanOf(first);
  return second === undefined ? { authority } : { authority, pathLength: smallIntegerOf(second) };
};

/** An IA5String without control characters: it can be shown on a terminal as it is. */
const asciiOf = (content: Buffer): string => {
  const text = content.toString('latin1');
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  throw new DerError('a name has characters outside printable ASCII');
};

const namesFrom = (
  node: DerNode | undefined,
): Pick<ExtensionsView, 'uris' | 'hosts' | 'otherNames'> => {
  const names = node === undefined ? [] : partsOf(node);
  const uris = names.filter((name) => name.tag === 0x86);
  const hosts = names.filter((name) => name.tag === 0x82 || name.tag === 0x87);
  return {
    uris: uris.map((name) => asciiOf(name.content)),
    hosts: hosts.map(({ tag, content }) => {
      if (tag === 0x82) return asciiOf(content);
      if (content.length === 4 || content.length === 16) return addressText(content);
      throw new DerError('an IP address has neither 4 nor 16 bytes');
    }),
    otherNames: names.length - uris.length - hosts.length,
  };
};

/**
 * What the extensions in a SEQUENCE say; undefined reads as none.
 *
 * @throws DerError when they are malformed or one is there twice
 */
export const extensionsFrom = (node: DerNode | undefined): ExtensionsView => {
  const all = node === undefined ? [] : partsOf(node).map(extensionFrom);
  if (new Set(all.map(({ oid }) => oid)).size !== all.length) {
    throw new DerError('an extension is there twice');
  }
  const innerOf = (oid: string): DerNode | undefined => {
    const found = all.find((extension) => extension.oid === oid);
    return found === undefined ? undefined : derFrom(found.value);
  };
  const constraints = innerOf(oidBasicConstraints);
  const keyUsage = innerOf(oidKeyUsage);
  const purposes = innerOf(oidExtendedKeyUsage);
  const keyId = innerOf(oidSubjectKeyIdentifier);
  const authorityKeyId = innerOf(oidAuthorityKeyIdentifier);
  return {
    all,
    pathLength: undefined,
    ...(constraints === undefined ? { authority: false } : constraintsFrom(constraints)),
    keyUsage: keyUsage === undefined ? [] : keyUsageFrom(keyUsage),
    purposes: purposes === undefined ? [] : partsOf(purposes).map(objectIdentifierOf),
    ...namesFrom(innerOf(oidSubjectAltName)),
    keyId:
      keyId === undefined ? undefined : expectTag(keyId, tagOctetString).content.toString('hex'),
    authorityKeyId:
      authorityKeyId === undefined
        ? undefined
        : partsOf(authorityKeyId)
            .find((part) => part.tag === 0x80)
            ?.content.toString('hex'),
  };
};
