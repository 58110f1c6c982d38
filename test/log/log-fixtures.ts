// Entries, appends and folders that the log's tests share.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { LogAppend } from '#log/durable-log.ts';
import type { Entry, EntryKind } from '#raft/entry.ts';
import type { HardState } from '#raft/hard-state.ts';
import { logIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';
import { term } from '#raft/term.ts';

/** An entry whose data says what it is. */
export const entryAt = (
  index: number,
  entryTerm = 1,
  data: string | Uint8Array = `entry ${index} of term ${entryTerm}`,
  kind: EntryKind = 'command',
): Entry => ({
  index: logIndex(index),
  term: term(entryTerm),
  kind,
  data: typeof data === 'string' ? Buffer.from(data) : data,
});

/** Entries `from` to `through`. */
export const entriesAt = (from: number, through: number, entryTerm = 1): Entry[] =>
  Array.from({ length: through - from + 1 }, (_, offset) => entryAt(from + offset, entryTerm));

/** A hard state. */
export const hardStateOf = (stateTerm: number, commitIndex = 0, votedFor?: string): HardState => ({
  term: term(stateTerm),
  votedFor: votedFor === undefined ? undefined : nodeId(votedFor),
  commitIndex: logIndex(commitIndex),
});

/** An append with the parts that are given. */
export const appendOf = (parts: Partial<LogAppend>): LogAppend => ({
  snapshot: undefined,
  truncateFrom: undefined,
  entries: [],
  hardState: undefined,
  ...parts,
});

/** A private folder that is gone when the test is over. */
export const temporaryFolder = (context: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-log-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'raft');
};

/** Entries as plain values: their data may be Buffers or views of any kind. */
export const plain = (entries: readonly Entry[]): unknown[] =>
  entries.map(({ index, term: entryTerm, kind, data }) => [
    index,
    entryTerm,
    kind,
    Buffer.from(data).toString('latin1'),
  ]);
