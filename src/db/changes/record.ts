// Reads the values of a row from its payload, as a SELECT would give them.
import type { SqlValue } from '#db/engine.ts';
import { textFromBytes } from '#db/json-text.ts';
import { varintAt } from './tree-page.ts';

const integerBytes = [0, 1, 2, 3, 4, 6, 8];

const integerAt = (bytes: Buffer, at: number, length: number): bigint => {
  if (length === 8) return bytes.readBigInt64BE(at);
  return BigInt(bytes.readIntBE(at, length));
};

/** The value of a serial type, and how many bytes it took. */
const valueAt = (bytes: Buffer, at: number, type: number): readonly [SqlValue, number] => {
  if (type === 0) return [null, 0];
  if (type === 8 || type === 9) return [BigInt(type - 8), 0];
  if (type === 7) return [bytes.readDoubleBE(at), 8];
  const length = integerBytes[type];
  if (length !== undefined) return [integerAt(bytes, at, length), length];
  const size = Math.floor((type - 12) / 2);
  const content = bytes.subarray(at, at + size);
  return [type % 2 === 0 ? content : textFromBytes(content), size];
};

/** The values that a record holds: integers as bigint, reals as number. */
export const valuesOf = (payload: Buffer): readonly SqlValue[] => {
  const [headerBytes, first] = varintAt(payload, 0);
  const values: SqlValue[] = [];
  let content = Number(headerBytes);
  for (let at = first; at < Number(headerBytes); ) {
    const [type, end] = varintAt(payload, at);
    const [value, length] = valueAt(payload, content, Number(type));
    values.push(value);
    content += length;
    at = end;
  }
  return values;
};
