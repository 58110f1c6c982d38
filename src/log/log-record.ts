// The records of the log and their bytes: src/command/log.proto, written and read by hand. Record
// bytes come from our own disk behind a checksum, but are read as strictly as a stranger's.
import { WireReader, WireWriter, wireType } from '#command/wire.ts';
import { CodedError } from '#errors.ts';
import { unreachable } from '#invariant.ts';
import type { Entry, EntryKind } from '#raft/entry.ts';
import type { HardState } from '#raft/hard-state.ts';
import { type LogIndex, logIndex } from '#raft/log-index.ts';
import { nodeId } from '#raft/node-id.ts';
import { type Term, term } from '#raft/term.ts';

/** One step of the log's history; a batch is several of them, durable together or not at all. */
export type LogRecord =
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'hard-state'; readonly hardState: HardState }
  /** Entries from `from` on are gone; `previousTerm` is the term of the entry before. */
  | { readonly kind: 'truncate'; readonly from: LogIndex; readonly previousTerm: Term }
  /** The log is empty behind this entry. */
  | { readonly kind: 'snapshot'; readonly index: LogIndex; readonly term: Term };

const batchField = { record: 1 } as const;
const recordField = { entry: 1, hardState: 2, truncate: 3, snapshot: 4 } as const;
const entryField = { index: 1, term: 2, kind: 3, data: 4 } as const;
const hardStateField = { term: 1, votedFor: 2, commitIndex: 3 } as const;
const truncateField = { from: 1, previousTerm: 2 } as const;
const snapshotField = { index: 1, term: 2 } as const;

const entryKinds: readonly EntryKind[] = ['command', 'configuration', 'barrier'];

/** A batch as bytes. */
export const encodeBatch = (records: Iterable<LogRecord>, writer = new WireWriter()): Buffer => {
  for (const record of records) {
    const start = writer.begin(batchField.record);
    writeRecord(writer, record);
    writer.end(start);
  }
  return writer.finish();
};

const writeRecord = (writer: WireWriter, record: LogRecord): void => {
  const start = writer.begin(recordFieldOf[record.kind]);
  switch (record.kind) {
    case 'entry':
      number(writer, entryField.index, record.entry.index);
      number(writer, entryField.term, record.entry.term);
      number(writer, entryField.kind, entryKinds.indexOf(record.entry.kind) + 1);
      if (record.entry.data.length > 0) writer.bytesField(entryField.data, record.entry.data);
      break;
    case 'hard-state':
      writeHardState(writer, record.hardState);
      break;
    case 'truncate':
      number(writer, truncateField.from, record.from);
      number(writer, truncateField.previousTerm, record.previousTerm);
      break;
    case 'snapshot':
      number(writer, snapshotField.index, record.index);
      number(writer, snapshotField.term, record.term);
      break;
    default:
      unreachable(record);
  }
  writer.end(start);
};

const recordFieldOf = {
  entry: recordField.entry,
  'hard-state': recordField.hardState,
  truncate: recordField.truncate,
  snapshot: recordField.snapshot,
} as const;

/** The fields of a hard state, without a frame around them. */
export const writeHardState = (writer: WireWriter, hardState: HardState): void => {
  number(writer, hardStateField.term, hardState.term);
  if (hardState.votedFor !== undefined) {
    writer.stringField(hardStateField.votedFor, hardState.votedFor);
  }
  number(writer, hardStateField.commitIndex, hardState.commitIndex);
};

const number = (writer: WireWriter, field: number, value: number): void => {
  if (value !== 0) writer.varintField(field, value);
};

/**
 * The records of a batch; entries' `data` are views into `bytes`. CodedError `bad_request` for
 * bytes that {@link encodeBatch} did not make, also for a record of a kind that this version does
 * not know: skipping one would change what the log says.
 */
export const decodeBatch = (bytes: Uint8Array): LogRecord[] => {
  const records: LogRecord[] = [];
  const reader = new WireReader(bytes);
  while (!reader.done) {
    const tag = reader.tag();
    if (tag !== bytesTag(batchField.record)) throw broken('a batch holds more than records');
    records.push(recordFrom(reader.bytes()));
  }
  return records;
};

const recordFrom = (bytes: Uint8Array): LogRecord => {
  const reader = new WireReader(bytes);
  const tag = reader.tag();
  const body = reader.bytes();
  if (!reader.done) throw broken('a record is of one kind');
  switch (tag) {
    case bytesTag(recordField.entry):
      return { kind: 'entry', entry: entryFrom(body) };
    case bytesTag(recordField.hardState):
      return { kind: 'hard-state', hardState: hardStateFrom(body) };
    case bytesTag(recordField.truncate): {
      const numbers = numbersFrom(body);
      return {
        kind: 'truncate',
        from: logIndex(numbers[truncateField.from] ?? 0),
        previousTerm: term(numbers[truncateField.previousTerm] ?? 0),
      };
    }
    case bytesTag(recordField.snapshot): {
      const numbers = numbersFrom(body);
      return {
        kind: 'snapshot',
        index: logIndex(numbers[snapshotField.index] ?? 0),
        term: term(numbers[snapshotField.term] ?? 0),
      };
    }
    default:
      throw broken('a record of an unknown kind');
  }
};

const entryFrom = (bytes: Uint8Array): Entry => {
  const reader = new WireReader(bytes);
  let index = 0;
  let entryTerm = 0;
  let kind: EntryKind | undefined;
  let data: Uint8Array = new Uint8Array(0);
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === varintTag(entryField.index)) index = reader.varint();
    else if (tag === varintTag(entryField.term)) entryTerm = reader.varint();
    else if (tag === varintTag(entryField.kind)) kind = entryKinds[reader.varint() - 1];
    else if (tag === bytesTag(entryField.data)) data = reader.bytes();
    else reader.skip(tag);
  }
  if (kind === undefined) throw broken('an entry of an unknown kind');
  return { index: logIndex(index), term: term(entryTerm), kind, data };
};

/** The hard state whose fields `bytes` holds. CodedError `bad_request` for broken bytes. */
export const hardStateFrom = (bytes: Uint8Array): HardState => {
  const reader = new WireReader(bytes);
  let stateTerm = 0;
  let votedFor: string | undefined;
  let commitIndex = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === varintTag(hardStateField.term)) stateTerm = reader.varint();
    else if (tag === bytesTag(hardStateField.votedFor)) votedFor = reader.string();
    else if (tag === varintTag(hardStateField.commitIndex)) commitIndex = reader.varint();
    else reader.skip(tag);
  }
  return {
    term: term(stateTerm),
    votedFor: votedFor === undefined || votedFor === '' ? undefined : nodeId(votedFor),
    commitIndex: logIndex(commitIndex),
  };
};

/** The varint fields of a message by field number. */
const numbersFrom = (bytes: Uint8Array): Record<number, number> => {
  const numbers: Record<number, number> = {};
  const reader = new WireReader(bytes);
  while (!reader.done) {
    const tag = reader.tag();
    if (tag % 8 === wireType.varint) numbers[Math.floor(tag / 8)] = reader.varint();
    else reader.skip(tag);
  }
  return numbers;
};

const bytesTag = (field: number): number => field * 8 + wireType.bytes;
const varintTag = (field: number): number => field * 8 + wireType.varint;
const broken = (why: string): CodedError => new CodedError('bad_request', `broken log: ${why}`);
