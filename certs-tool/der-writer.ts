// Writes DER, and is the only door to node-forge: its asn1.create and asn1.toDer and nothing
// else of it. Keys and signatures are node:crypto's; nothing here reads or verifies what others
// wrote.
import forge from 'node-forge';
import type { DerNode } from './der-reader.ts';

const { Class, Type, create, oidToDer } = forge.asn1;

/** A value on its way to DER. Made by the functions of this file only. */
export type DerValue = forge.asn1.Asn1;

const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const primitive = (type: forge.asn1.Type, bytes: Uint8Array): DerValue =>
  create(Class.UNIVERSAL, type, false, binary(bytes));

/** SEQUENCE of what is there; undefined parts are left out (OPTIONAL fields). */
export const sequence = (...parts: readonly (DerValue | undefined)[]): DerValue =>
  create(
    Class.UNIVERSAL,
    Type.SEQUENCE,
    true,
    parts.filter((part) => part !== undefined),
  );

/** SET of one element, the only kind needed: DER would have to sort more than one. */
export const setOf = (part: DerValue): DerValue => create(Class.UNIVERSAL, Type.SET, true, [part]);

/** OBJECT IDENTIFIER from its dotted text. */
export const objectIdentifier = (oid: string): DerValue =>
  create(Class.UNIVERSAL, Type.OID, false, oidToDer(oid).getBytes());

/** INTEGER from the big-endian bytes of a number that is not negative. */
export const unsignedInteger = (bytes: Uint8Array): DerValue => {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? Uint8Array.of(0) : bytes.subarray(start);
  const negative = (digits[0] ?? 0) >= 0x80;
  return primitive(Type.INTEGER, negative ? Buffer.concat([Uint8Array.of(0), digits]) : digits);
};

/** INTEGER from a number of 0 to 2^47-1: six bytes with its sign. */
export const smallInteger = (value: number): DerValue => {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(value, 0, 6);
  return unsignedInteger(bytes);
};

/** ENUMERATED of 0 to 127. */
export const enumerated = (value: number): DerValue =>
  primitive(Type.ENUMERATED, Uint8Array.of(value));

/** BOOLEAN TRUE, the only one DER writes here: FALSE is every default. */
export const booleanTrue = (): DerValue => primitive(Type.BOOLEAN, Uint8Array.of(0xff));

/** OCTET STRING of raw bytes. */
export const octetString = (bytes: Uint8Array): DerValue => primitive(Type.OCTETSTRING, bytes);

/** BIT STRING; `unusedBits` of 0 to 7 at the end of the last byte. */
export const bitString = (bytes: Uint8Array, unusedBits = 0): DerValue =>
  primitive(Type.BITSTRING, Buffer.concat([Uint8Array.of(unusedBits), bytes]));

/** UTF8String. */
export const utf8String = (text: string): DerValue => primitive(Type.UTF8, Buffer.from(text));

/** RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050; whole seconds, UTC. */
export const time = (date: Date): DerValue => {
  const digits = `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  return date.getUTCFullYear() < 2050
    ? primitive(Type.UTCTIME, Buffer.from(digits.slice(2)))
    : primitive(Type.GENERALIZEDTIME, Buffer.from(digits));
};

/** Context tag around whole values, as EXPLICIT tags and IMPLICIT constructed ones are written. */
export const tagged = (tag: number, ...parts: readonly DerValue[]): DerValue =>
  create(Class.CONTEXT_SPECIFIC, tag, true, [...parts]);

/** Context tag in place of a primitive's own tag. */
export const taggedBytes = (tag: number, bytes: Uint8Array): DerValue =>
  create(Class.CONTEXT_SPECIFIC, tag, false, binary(bytes));

/** The same value again, byte by byte: a name taken over from another certificate. */
export const copyOf = (node: DerNode): DerValue => {
  const [tagClass, type] = [node.tag & 0xc0, node.tag & 0x1f];
  return (node.tag & 0x20) === 0
    ? create(tagClass, type, false, binary(node.content))
    : create(tagClass, type, true, node.children.map(copyOf));
};

/** The bytes of a value. */
export const derOf = (value: DerValue): Buffer =>
  Buffer.from(forge.asn1.toDer(value).getBytes(), 'latin1');
