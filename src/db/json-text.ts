// Values as JSON text, the way Go's encoder writes them: clients of rqlite compare bytes. It knows
// JSON and nothing of results.

// Go escapes what would be markup in a page, and the two line ends that JavaScript once refused.
const special = /[\p{Cc}"\\<>&\u2028\u2029]/u;
const specials = /[\p{Cc}"\\<>&\u2028\u2029]/gu;

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

// The class of control characters also holds 7f to 9f, which JSON leaves as they are.
const escaped = (character: string): string =>
  character >= '\u007f' && character <= '\u009f'
    ? character
    : (shortEscapes[character] ?? unicodeEscape(character));

const unicodeEscape = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A string with its quotes. */
export const jsonString = (text: string): string =>
  special.test(text) ? `"${text.replace(specials, escaped)}"` : `"${text}"`;

/** A REAL: shortest form that reads back equal; JSON has no infinities, they become null. */
export const jsonReal = (value: number): string => {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  return Number.isFinite(value) ? String(value) : 'null';
};

/** Bytes as text: every byte that is not part of valid UTF-8 becomes one U+FFFD, as in Go. */
export const textFromBytes = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  // The decoder joins the bytes of a cut-off sequence into one replacement; Go does not.
  return text.includes('\ufffd') ? replacedByteByByte(bytes) : text;
};

const sequenceLength = (first: number): number =>
  first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const decoded = (bytes: Uint8Array): string | undefined => {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
};

const replacedByteByByte = (bytes: Uint8Array): string => {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] ?? 0);
    const whole = length > 0 && at + length <= bytes.length;
    const text = whole ? decoded(bytes.subarray(at, at + length)) : undefined;
    parts.push(text ?? '\ufffd');
    at += text === undefined ? 1 : length;
  }
  return parts.join('');
};

/** Bytes as base64 with padding, or as an array of numbers. */
export const jsonBytes = (bytes: Uint8Array, asArray: boolean): string =>
  asArray
    ? `[${bytes.join(',')}]`
    : `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}"`;
