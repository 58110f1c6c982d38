// The Protocol Buffers wire format, as far as the hot messages need it: they are read and written by
// hand, to the same bytes that the generated codec makes (a test holds them to it). Input is hostile:
// every length is checked against what is there before anything is allocated or read.
import { CodedError } from '#errors.ts';

/** Wire types of the encoding (protobuf.dev, "Encoding", message structure). */
export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const initialBytes = 1024;

const broken = (why: string): CodedError => new CodedError('bad_request', `broken message: ${why}`);

/** Writes fields into one growing buffer; `finish` gives the bytes and starts anew. */
export class WireWriter {
  #bytes = Buffer.allocUnsafeSlow(initialBytes);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** A copy of what was written; the writer is empty afterwards. */
  finish(): Buffer {
    const copy = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return copy;
  }

  /** The start of a field. */
  tag(field: number, type: number): void {
    this.#varint(field * 8 + type);
  }

  /** uint32, uint64 up to 2^53 - 1, enum, bool; zero is written, callers leave out defaults. */
  varintField(field: number, value: number): void {
    this.tag(field, wireType.varint);
    this.#varint(value);
  }

  /** sint64: zigzag, the whole 64-bit range. */
  signedField(field: number, value: bigint): void {
    this.tag(field, wireType.varint);
    this.#bigVarint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  }

  /** double. */
  doubleField(field: number, value: number): void {
    this.tag(field, wireType.fixed64);
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** bytes, or an embedded message that is encoded already. */
  bytesField(field: number, value: Uint8Array): void {
    this.tag(field, wireType.bytes);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** string, as UTF-8. A lone surrogate becomes U+FFFD. */
  stringField(field: number, value: string): void {
    this.tag(field, wireType.bytes);
    const bytes = Buffer.byteLength(value);
    this.#varint(bytes);
    this.#reserve(bytes);
    this.#length += this.#bytes.write(value, this.#length, bytes, 'utf8');
  }

  /** An embedded message: write its fields after `begin`, then call `end` with what `begin` gave. */
  begin(field: number): number {
    this.tag(field, wireType.bytes);
    return this.#length;
  }

  /** Closes the message that `begin` opened: puts its length in front of it. */
  end(start: number): void {
    const size = this.#length - start;
    const prefix = varintBytes(size);
    this.#reserve(prefix);
    this.#bytes.copyWithin(start + prefix, start, this.#length);
    this.#length = start;
    this.#varint(size);
    this.#length += size;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, needed));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }

  #varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  #bigVarint(value: bigint): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }
}

const varintBytes = (value: number): number => {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
};

/** Reads fields of one message; every method throws CodedError `bad_request` on broken input. */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#end = bytes.length;
  }

  /** Whether all bytes are read. */
  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** The next tag: `field * 8 + type`. */
  tag(): number {
    const tag = this.varint();
    if (tag < 8 || tag > 0xffff_ffff) throw broken(`field number ${Math.floor(tag / 8)}`);
    return tag;
  }

  /** uint64 up to 2^53 - 1. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) throw broken('a number beyond 2^53 - 1');
        return value;
      }
      factor *= 0x80;
    }
    throw broken('a number of more than ten bytes');
  }

  /** sint64. */
  signed(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff_ffff_ffffn) throw broken('a number beyond 64 bits');
        return (value >> 1n) ^ -(value & 1n);
      }
    }
    throw broken('a number of more than ten bytes');
  }

  /** double. */
  double(): number {
    this.#need(8);
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  /** bytes: a view into the input, valid as long as the input is. */
  bytes(): Buffer {
    const length = this.varint();
    this.#need(length);
    const value = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }

  /** string. Invalid UTF-8 is broken input: our own writers never make it. */
  string(): string {
    const bytes = this.bytes();
    const text = bytes.toString('utf8');
    if (text.includes('\ufffd') && !Buffer.from(text).equals(bytes)) {
      throw broken('text that is not UTF-8');
    }
    return text;
  }

  /** Skips a field that this version does not know; groups (types 3 and 4) are refused. */
  skip(tag: number): void {
    switch (tag % 8) {
      case wireType.varint:
        for (let count = 0; count < 10; count++) if (this.#byte() < 0x80) return;
        throw broken('a number of more than ten bytes');
      case wireType.fixed64:
        this.#need(8);
        this.#at += 8;
        return;
      case wireType.bytes:
        this.bytes();
        return;
      case wireType.fixed32:
        this.#need(4);
        this.#at += 4;
        return;
      default:
        throw broken(`wire type ${tag % 8}`);
    }
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
    if (byte === undefined) throw broken('it ends in the middle of a field');
    this.#at += 1;
    return byte;
  }

  #need(bytes: number): void {
    if (bytes > this.#end - this.#at) throw broken('a length beyond its end');
  }
}
