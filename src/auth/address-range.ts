// Ranges of addresses (CIDR): from where a user may come. Strict: a range whose address has bits
// behind its prefix was probably meant otherwise, and is refused.
import { addressBytesFrom } from './ip-address.ts';

/** All addresses of one family that begin with the same bits. */
export interface AddressRange {
  /** 4 or 16. */
  readonly bytes: readonly number[];
  readonly prefixBits: number;
}

const rangePattern = /^([0-9a-fA-F.:]+)(?:\/(0|[1-9]\d{0,2}))?$/;

/** Bits of byte `at` that belong to the prefix. */
const maskOf = (prefixBits: number, at: number): number => {
  const bits = Math.min(8, Math.max(0, prefixBits - at * 8));
  return (0xff << (8 - bits)) & 0xff;
};

/** `192.0.2.0/24`, `2001:db8::/32`, or one address; a text instead says what is wrong. */
export const addressRangeFrom = (text: string): AddressRange | string => {
  const [, address = '', prefix] = rangePattern.exec(text) ?? [];
  const bytes = addressBytesFrom(address);
  const bitsMax = (bytes?.length ?? 0) * 8;
  const prefixBits = prefix === undefined ? bitsMax : Number(prefix);
  if (bytes === undefined || prefixBits > bitsMax) {
    return `${JSON.stringify(text)} is no range of addresses such as 192.0.2.0/24 or 2001:db8::/32`;
  }
  if (bytes.some((byte, at) => (byte & ~maskOf(prefixBits, at)) !== 0)) {
    return `${JSON.stringify(text)} has bits behind its prefix; name the first address of the range`;
  }
  return { bytes, prefixBits };
};

/** Whether an address, as a socket gives it, is in one of the ranges. */
export const inRanges = (address: string, ranges: readonly AddressRange[]): boolean => {
  const bytes = addressBytesFrom(address);
  if (bytes === undefined) return false;
  return ranges.some(
    (range) =>
      range.bytes.length === bytes.length &&
      range.bytes.every((byte, at) => ((bytes[at] ?? 0) & maskOf(range.prefixBits, at)) === byte),
  );
};
