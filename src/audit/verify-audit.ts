// Checks an audit log: every line unchanged, every line there, in order, over all of its files.
// What was taken from the end leaves no trace in the lines themselves: give the number and hash of
// a line that was seen elsewhere (the node's own log names one every hour) to prove that it is
// still there.
import type { FileSystem } from '#io/file-system.ts';
import { type ChainHead, emptyHead, noHash, readLine } from './chain.ts';

/** What a check found. */
export interface AuditReport {
  readonly lines: number;
  /** Number of the first line there is; older ones were rotated away. */
  readonly first: number;
  readonly head: ChainHead;
  /** Where and what is wrong; undefined: nothing is. */
  readonly fault:
    | { readonly file: string; readonly line: number; readonly reason: string }
    | undefined;
  /** Bytes behind the last lines of files: writes that were cut off. */
  readonly tornBytes: number;
}

const pieceBytes = 1024 * 1024;
const lineBytesMax = 64 * 1024;

/** Lines of a file, and what stands behind the last of them. */
function* linesOf(path: string, files: FileSystem): Generator<string, number> {
  const file = files.open(path, 'read');
  try {
    let rest = Buffer.alloc(0);
    for (let at = 0; ; ) {
      const piece = Buffer.alloc(pieceBytes);
      const count = file.read(piece, at);
      if (count === 0) return rest.length;
      at += count;
      let data = Buffer.concat([rest, piece.subarray(0, count)]);
      for (let end = data.indexOf('\n'); end >= 0; end = data.indexOf('\n')) {
        yield data.subarray(0, end).toString('utf8');
        data = data.subarray(end + 1);
      }
      if (data.length > lineBytesMax) return data.length;
      rest = data;
    }
  } finally {
    file.close();
  }
}

/**
 * Checks files from the oldest to the one that is written.
 *
 * @param expected a line that must be there with this hash
 */
export const verifyAudit = (
  paths: readonly string[],
  files: FileSystem,
  expected?: ChainHead,
): AuditReport => {
  let head: ChainHead = emptyHead;
  let [lines, first, tornBytes] = [0, 0, 0];
  let seen = expected === undefined;
  const faulty = (file: string, line: number, reason: string): AuditReport => ({
    ...{ lines, first, head, tornBytes },
    fault: { file, line, reason },
  });
  for (const path of paths) {
    const found = linesOf(path, files);
    let line = 0;
    let next = found.next();
    for (; next.done !== true; next = found.next()) {
      line += 1;
      const read = readLine(next.value);
      if (read.kind === 'fault') return faulty(path, line, read.reason);
      const { sequence, hash } = read.head;
      if (lines === 0) first = sequence;
      const fits =
        lines === 0 ? sequence > 1 || read.previous === noHash : read.previous === head.hash;
      if (!fits || (lines > 0 && sequence !== head.sequence + 1)) {
        return faulty(path, line, `line ${head.sequence + 1} should stand here, ${sequence} does`);
      }
      head = read.head;
      lines += 1;
      if (expected?.sequence !== sequence) continue;
      if (hash !== expected.hash)
        return faulty(path, line, `line ${sequence} is not the expected one`);
      seen = true;
    }
    tornBytes += next.value;
  }
  if (!seen && expected !== undefined) {
    const last = paths.at(-1) ?? '';
    return faulty(last, lines + 1, `line ${expected.sequence} is missing: the end was cut off`);
  }
  return { lines, first, head, fault: undefined, tornBytes };
};
