// Reads DER strictly: what is not the one canonical form is refused. Used to look into requests
// and certificates; whether a signature or a chain holds is asked of node:crypto, never decided
// here.

/** Deepest nesting: a certificate's own is 9 (a name inside a GeneralName inside an extension). */
const depthMax = 16;

/**
 * Why bytes are not DER, as a short sentence. Caught by whoever knows what the bytes should be.
 */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** One value: identifier octet, content, whole encoding, and the parts when it is constructed. */
export interface DerNode {
  readonly tag: number;
  readonly content: Buffer;
  readonly bytes: Buffer;
  readonly children: readonly DerNode[];
}

/** Identifier octets of the types that are read. */
export const tagBoolean = 0x01;
const tagInteger = 0x02;
export const tagBitString = 0x03;
export const tagOctetString = 0x04;
export const tagObjectIdentifier = 0x06;
export const tagUtcTime = 0x17;
export const tagGeneralizedTime = 0x18;
export const tagSequence = 0x30;
export const tagSet = 0x31;

const byteAt = (bytes: Buffer, at: number): number => {
  const byte = bytes[at];
  if (byte === undefined) throw new DerError('it ends in the middle of a value');
  return byte;
};

/** Length field at `at`: its value and where the content begins. */
const lengthAt = (bytes: Buffer, at: number): { length: number; start: number } => {
  const first = byteAt(bytes, at);
  if (first < 0x80) return { length: first, start: at + 1 };
  const digits = first & 0x7f;
  if (digits === 0) throw new DerError('a length is indefinite');
  if (digits > 4) throw new DerError('a length is too large');
  if (at + 1 + digits > bytes.length) throw new DerError('it ends in the middle of a length');
  const length = bytes.readUIntBE(at + 1, digits);
  if (length < 0x80 || byteAt(bytes, at + 1) === 0) throw new DerError('a length is not minimal');
  return { length, start: at + 1 + digits };
};

const nodeAt = (bytes: Buffer, at: number, depth: number): DerNode => {
  if (depth > depthMax) throw new DerError('it is nested too deeply');
  const tag = byteAt(bytes, at);
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag is of more than one byte');
  const { length, start } = lengthAt(bytes, at + 1);
  const end = start + length;
  if (end > bytes.length) throw new DerError('a value is longer than what holds it');
  const content = bytes.subarray(start, end);
  const children = (tag & 0x20) === 0 ? [] : nodesIn(content, depth + 1);
  return { tag, content, bytes: bytes.subarray(at, end), children };
};

const nodesIn = (bytes: Buffer, depth: number): DerNode[] => {
  const nodes: DerNode[] = [];
  let at = 0;
  while (at < bytes.length) {
    const node = nodeAt(bytes, at, depth);
    nodes.push(node);
    at += node.bytes.length;
  }
  return nodes;
};

/**
 * The one value in `bytes`. The caller has bounded their number.
 *
 * @throws DerError when they are not exactly one value in DER
 */
export const derFrom = (bytes: Buffer): DerNode => {
  const node = nodeAt(bytes, 0, 0);
  if (node.bytes.length !== bytes.length) throw new DerError('bytes follow after its end');
  return node;
};

/** `node` when it has this tag. @throws DerError otherwise */
export const expectTag = (node: DerNode | undefined, tag: number): DerNode => {
  if (node === undefined) throw new DerError('a part is missing');
  if (node.tag !== tag) throw new DerError('a part is of another type than its place asks for');
  return node;
};

/** The parts of a SEQUENCE. @throws DerError when it is none */
export const partsOf = (node: DerNode | undefined): readonly DerNode[] =>
  expectTag(node, tagSequence).children;

/** Dotted text of an OBJECT IDENTIFIER. @throws DerError */
export const objectIdentifierOf = (node: DerNode | undefined): string => {
  const { content } = expectTag(node, tagObjectIdentifier);
  const arcs: number[] = [];
  let value = 0;
  let fresh = true;
  for (const byte of content) {
    if (fresh && byte === 0x80) throw new DerError('an object identifier is not minimal');
    value = value * 128 + (byte & 0x7f);
    if (value > 0xffff_ffff) throw new DerError('an object identifier is too large');
    fresh = byte < 0x80;
    if (!fresh) continue;
    arcs.push(value);
    value = 0;
  }
  const [first] = arcs;
  if (first === undefined || !fresh) throw new DerError('an object identifier is cut off');
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...arcs.slice(1)].join('.');
};

/** Content of an INTEGER that is minimal and not negative. @throws DerError */
const unsignedIntegerOf = (node: DerNode | undefined): Buffer => {
  const { content } = expectTag(node, tagInteger);
  const [first, second] = content;
  if (first === undefined || first >= 0x80) throw new DerError('an integer is negative or empty');
  if (first === 0 && second !== undefined && second < 0x80) {
    throw new DerError('an integer is not minimal');
  }
  return content;
};

/** An INTEGER that is not negative, in lower-case hexadecimal: how serial numbers are written. */
export const hexIntegerOf = (node: DerNode | undefined): string =>
  unsignedIntegerOf(node)
    .toString('hex')
    .replace(/^00(?=.)/, '');

/** An INTEGER of at most six bytes as a number. @throws DerError */
export const smallIntegerOf = (node: DerNode | undefined): number => {
  const bytes = unsignedIntegerOf(node);
  if (bytes.length > 6) throw new DerError('an integer is too large');
  return bytes.readUIntBE(0, bytes.length);
};

/** A BOOLEAN. @throws DerError when it is not one of DER's two */
export const booleanOf = (node: DerNode | undefined): boolean => {
  const { content } = expectTag(node, tagBoolean);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
    throw new DerError('a boolean is neither true nor false');
  }
  return content[0] === 0xff;
};

/** Bytes of a BIT STRING and how many bits of the last one do not count. @throws DerError */
export const bitsOf = (node: DerNode | undefined): { bytes: Buffer; unusedBits: number } => {
  const { content } = expectTag(node, tagBitString);
  const unusedBits = byteAt(content, 0);
  if (unusedBits > 7 || (unusedBits > 0 && content.length === 1)) {
    throw new DerError('a bit string counts more unused bits than it has');
  }
  return { bytes: content.subarray(1), unusedBits };
};

/** Bytes of a BIT STRING that has nothing but whole ones: signatures and keys. @throws DerError */
export const wholeBytesOf = (node: DerNode | undefined): Buffer => {
  const { bytes, unusedBits } = bitsOf(node);
  if (unusedBits !== 0) throw new DerError('a bit string is not of whole bytes');
  return bytes;
};

/** UTCTime or GeneralizedTime in the forms RFC 5280 4.1.2.5 allows. @throws DerError */
export const timeOf = (node: DerNode | undefined): Date => {
  const text = node?.content.toString('latin1') ?? '';
  const digits = node?.tag === tagUtcTime ? `${text < '5' ? '20' : '19'}${text}` : text;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits);
  if (match === null || (node?.tag !== tagUtcTime && node?.tag !== tagGeneralizedTime)) {
    throw new DerError('a time is not in the form certificates use');
  }
  const [, year, month, day, hour, minute, second] = match;
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(date.getTime())) throw new DerError('a time does not exist');
  return date;
};
