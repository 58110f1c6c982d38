// The digest by which two logs tell whether they hold the same entry.
import { createHash } from 'node:crypto';
import type { Entry, EntryKind } from '#raft/entry.ts';

const kinds: Readonly<Record<EntryKind, number>> = { command: 0, configuration: 1, barrier: 2 };

/** SHA-256 over index, term, kind and data; hexadecimal. */
export const entryDigest = ({ index, term, kind, data }: Entry): string => {
  const head = Buffer.alloc(17);
  head.writeBigUInt64LE(BigInt(index), 0);
  head.writeBigUInt64LE(BigInt(term), 8);
  head.writeUInt8(kinds[kind], 16);
  return createHash('sha256').update(head).update(data).digest('hex');
};
