// Of several results that stand one behind the other as JSON, the one that rqlite shows of a text.

const [quote, backslash, open, close] = [0x22, 0x5c, 0x7b, 0x7d];

const errorStart = '{"error":';

/** Whether a result is an error. */
export const isError = (result: Buffer): boolean =>
  result.toString('latin1', 0, errorStart.length) === errorStart;

/** Where the JSON text that starts at `from` ends, behind its last quote. */
const textEnd = (bytes: Buffer, from: number): number => {
  for (let at = from + 1; at < bytes.length; at++) {
    if (bytes[at] === backslash) at += 1;
    else if (bytes[at] === quote) return at + 1;
  }
  return bytes.length;
};

function* objectsIn(bytes: Buffer): Generator<Buffer> {
  let [depth, start] = [0, 0];
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at];
    if (byte === quote) {
      at = textEnd(bytes, at);
      continue;
    }
    at += 1;
    if (byte === open) {
      if (depth === 0) start = at - 1;
      depth += 1;
    } else if (byte === close) {
      depth -= 1;
      if (depth === 0) yield bytes.subarray(start, at);
    }
  }
}

/** The first error, else the last; empty of none. */
export const decisiveResult = (json: Uint8Array): Buffer => {
  let last = Buffer.alloc(0);
  for (const result of objectsIn(Buffer.from(json))) {
    if (isError(result)) return result;
    last = Buffer.from(result);
  }
  return last;
};
