// Values as SQL literals that give back the same value, whatever it is. A long one comes in pieces.
import type { SqlValue } from '#db/engine.ts';

/** Bytes of a BLOB in one piece of its literal. */
const pieceBytes = 64 * 1024;

/** Characters of a text in one piece of its literal. */
const pieceCharacters = 64 * 1024;

const realLiteral = (value: number): string => {
  // Beyond the largest double SQLite reads an infinity.
  if (value === Number.POSITIVE_INFINITY) return '9.0e+999';
  if (value === Number.NEGATIVE_INFINITY) return '-9.0e+999';
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  // As SQLite writes them: a digit stands behind the point, before any exponent.
  return text.includes('.') ? text : text.replace(/^(-?\d+)/, '$1.0');
};

function* hexLiteral(bytes: Uint8Array): Generator<string> {
  yield "X'";
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    yield buffer.toString('hex', at, Math.min(bytes.length, at + pieceBytes)).toUpperCase();
  }
  yield "'";
}

const isHighSurrogate = (text: string, at: number): boolean => {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit < 0xdc00;
};

/** No piece ends within a character: each may be encoded by itself. */
function* textLiteral(value: string): Generator<string> {
  yield "'";
  for (let at = 0; at < value.length; ) {
    const end = at + pieceCharacters;
    const next = isHighSurrogate(value, end - 1) ? end + 1 : end;
    yield value.slice(at, next).replaceAll("'", "''");
    at = next;
  }
  yield "'";
}

/** The pieces of a value's literal. */
export function* literalOf(value: SqlValue): Generator<string> {
  if (value === null) yield 'NULL';
  else if (typeof value === 'bigint') yield value.toString();
  else if (typeof value === 'number') yield realLiteral(value);
  else if (value instanceof Uint8Array) yield* hexLiteral(value);
  else if (!value.includes('\0')) yield* textLiteral(value);
  else {
    // A text of SQL ends at a NUL.
    yield 'CAST(';
    yield* hexLiteral(Buffer.from(value));
    yield ' AS TEXT)';
  }
}
