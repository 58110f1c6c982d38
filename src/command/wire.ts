// The Protocol Buffers wire format, as far as the hot messages need it: they are read and written
// by hand, to the same bytes that the generated codec makes (a test holds them to it). Input is
// hostile: every length is checked against what is there before anything is allocated or read.

import { CodedError } from '#errors.ts';
import { invariant } from '#invariant.ts';
import type { Allocate } from './lasting-bytes.ts';

/** Wire types of the encoding (protobuf.dev, "Encoding", message structure). */
export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const initialBytes = 1024;
/** A writer's buffer that grew beyond this is given away with the message instead of kept. */
const keptBytesMax = 256 * 1024;
/** Up to here a string is tried as ASCII, char by char: cheaper than two native calls. */
const shortTextMax = 42;

/** The error for input that is not a message of ours. */
export const brokenMessage = (why: string): CodedError =>
  new CodedError('bad_request', `broken message: ${why}`);

/** The tag of a field, as `WireReader.tag` returns it. */
export const tagOf = (field: number, type: number): number => field * 8 + type;

const pooled: Allocate = (bytes) => Buffer.allocUnsafe(bytes);

/**
 * Writes fields into one growing buffer; `finish` gives the bytes and starts anew. Values that the
 * format cannot hold throw: the writer then holds half a message until `start`.
 */
export class WireWriter {
  #bytes = Buffer.allocUnsafeSlow(initialBytes);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Forgets what was written: the half message that an error left behind. */
  start(): void {
    this.#length = 0;
  }

  /** What was written, to keep; the writer is empty afterwards. */
  finish(): Buffer {
    const written = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    if (this.#bytes.length <= keptBytesMax) return Buffer.from(written);
    this.#bytes = Buffer.allocUnsafeSlow(initialBytes);
    return written;
  }

  /**
   * `finish` with one more field of type bytes behind the rest: a large value is copied once, to
   * memory that `allocate` gives.
   */
  finishWith(field: number, value: Uint8Array, allocate: Allocate = pooled): Buffer {
    if (value.length === 0) return this.finish();
    this.tag(field, wireType.bytes);
    this.#varint(value.length);
    const message = allocate(this.#length + value.length);
    message.set(this.#bytes.subarray(0, this.#length));
    message.set(value, this.#length);
    this.#length = 0;
    return message;
  }

  /** The start of a field. */
  tag(field: number, type: number): void {
    this.#varint(field * 8 + type);
  }

  /** uint32, uint64 up to 2^53 - 1, enum, bool; zero is written, callers leave out defaults. */
  varintField(field: number, value: number): void {
    invariant(Number.isSafeInteger(value) && value >= 0, 'a varint field is a whole number from 0');
    this.tag(field, wireType.varint);
    this.#varint(value);
  }

  /** sint64: zigzag, the whole 64-bit range. @throws CodedError `bad_request` beyond it */
  signedField(field: number, value: bigint): void {
    this.tag(field, wireType.varint);
    const number = Number(value);
    if (number >= -zigzagNumberMax && number <= zigzagNumberMax) {
      this.#varint(number >= 0 ? number * 2 : -number * 2 - 1);
      return;
    }
    if (BigInt.asIntN(64, value) !== value) throw brokenMessage('an integer beyond 64 bits');
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

  /** Whole fields that were encoded already, tags and all. */
  fields(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** string, as UTF-8. @throws CodedError `bad_request` for a lone surrogate: UTF-8 has none */
  stringField(field: number, value: string): void {
    this.tag(field, wireType.bytes);
    if (value.length <= shortTextMax && this.#shortAscii(value)) return;
    if (!value.isWellFormed()) throw brokenMessage('text with half of a surrogate pair');
    const bytes = Buffer.byteLength(value);
    this.#varint(bytes);
    this.#reserve(bytes);
    this.#length += this.#bytes.write(value, this.#length, bytes, 'utf8');
  }

  /**
   * An embedded message: write its fields after `begin`, then call `end` with what `begin` gave.
   */
  begin(field: number): number {
    this.tag(field, wireType.bytes);
    this.#reserve(1);
    return this.#length++;
  }

  /** Closes the message that `begin` opened: puts its length in front of it. */
  end(start: number): void {
    const size = this.#length - start - 1;
    if (size < 0x80) {
      this.#bytes[start] = size;
      return;
    }
    const prefix = varintBytes(size);
    this.#reserve(prefix);
    this.#bytes.copyWithin(start + prefix, start + 1, this.#length);
    this.#length = start;
    this.#varint(size);
    this.#length += size;
  }

  /** Writes length and bytes when every character is ASCII, else nothing. */
  #shortAscii(value: string): boolean {
    const length = value.length;
    this.#reserve(length + 1);
    const bytes = this.#bytes;
    const start = this.#length + 1;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit >= 0x80) return false;
      bytes[start + index] = unit;
    }
    bytes[start - 1] = length;
    this.#length = start + length;
    return true;
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

/** Integers up to here become their zigzag form as plain numbers, beyond it as BigInt. */
const zigzagNumberMax = 2 ** 52 - 1;

const varintBytes = (value: number): number => {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += 1;
  return bytes;
};

/** Parameters are mostly small: these are made once. */
const smallIntegers = Array.from({ length: 1024 }, (_, value) => BigInt(value));

/** Reads fields of one message; every method throws CodedError `bad_request` on broken input. */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;
  /** Where the last tag began. */
  #tagAt = 0;
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#end = bytes.length;
  }

  /** Whether all bytes of the message, or of the embedded one that was entered, are read. */
  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** The next tag: `field * 8 + type`. */
  tag(): number {
    this.#tagAt = this.#at;
    const tag = this.varint();
    if (tag < 8 || tag > 0xffff_ffff) throw brokenMessage(`field number ${Math.floor(tag / 8)}`);
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
        if (!Number.isSafeInteger(value)) throw brokenMessage('a number beyond 2^53 - 1');
        return value;
      }
      factor *= 0x80;
    }
    throw brokenMessage('a number of more than ten bytes');
  }

  /** sint64. */
  signed(): bigint {
    const start = this.#at;
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 7; count++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        const number = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
        return (number >= 0 ? smallIntegers[number] : undefined) ?? BigInt(number);
      }
      factor *= 0x80;
    }
    this.#at = start;
    return this.#bigSigned();
  }

  /** double. */
  double(): number {
    this.#need(8);
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  /** An embedded message: reads its length and enters it; hand what it gives to `leave`. */
  enter(): number {
    const length = this.varint();
    this.#need(length);
    const outer = this.#end;
    this.#end = this.#at + length;
    return outer;
  }

  /** Goes on behind the embedded message, after `done`. */
  leave(outer: number): void {
    this.#end = outer;
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
    const length = this.varint();
    this.#need(length);
    const start = this.#at;
    this.#at += length;
    const text = this.#bytes.toString('utf8', start, this.#at);
    if (
      text.includes('\ufffd') &&
      !Buffer.from(text).equals(this.#bytes.subarray(start, this.#at))
    ) {
      throw brokenMessage('text that is not UTF-8');
    }
    return text;
  }

  /**
   * Skips a field that this version does not know; groups (types 3 and 4) are refused, and so is a
   * known field (1 to `knownMax`) that comes with a wire type of another kind.
   */
  skip(tag: number, knownMax = 0): void {
    if (tag < knownMax * 8 + 8) throw brokenMessage(`field ${tag >> 3} of wire type ${tag % 8}`);
    switch (tag % 8) {
      case wireType.varint:
        for (let count = 0; count < 10; count++) if (this.#byte() < 0x80) return;
        throw brokenMessage('a number of more than ten bytes');
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
        throw brokenMessage(`wire type ${tag % 8}`);
    }
  }

  /** {@link skip}, and gives the whole field, tag and all: a view, to be written back as it is. */
  skipped(tag: number, knownMax: number): Buffer {
    const from = this.#tagAt;
    this.skip(tag, knownMax);
    return this.#bytes.subarray(from, this.#at);
  }

  #bigSigned(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff_ffff_ffffn) throw brokenMessage('a number beyond 64 bits');
        return (value >> 1n) ^ -(value & 1n);
      }
    }
    throw brokenMessage('a number of more than ten bytes');
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
    if (byte === undefined) throw brokenMessage('it ends in the middle of a field');
    this.#at += 1;
    return byte;
  }

  #need(bytes: number): void {
    if (bytes > this.#end - this.#at) throw brokenMessage('a length beyond its end');
  }
}
