// What a front and its readers say to each other.
import { WireReader, WireWriter, wireType } from '#command/wire.ts';
import type { ChangesFound, ChangesWanted } from '#db/changes/read-changes.ts';
import type { SplitDump } from '#db/load/split-dump.ts';
import type { ContentHash, JudgeReply, JudgeRequest } from '#db/reader.ts';
import {
  emptyCodec,
  jsonCodec,
  type Method,
  type SeamCodec,
  type SeamEvent,
} from '#process/seam.ts';

/** One writer for all: `finish` copies, and no encoding calls another one. */
const scratch = new WireWriter();

/** What a reader needs to open the database. */
export interface ReaderStart {
  readonly folder: string;
  /** `compat.doubleQuotedStrings`, for all that it judges and reads. */
  readonly doubleQuotedStrings: boolean;
}

/** A read: statements as an encoded Command. */
export interface ReaderRead {
  readonly render: number;
  readonly rowsMax: number;
  readonly bytesMax: number;
  readonly command: Uint8Array;
}

/** What came of a read; `intact` false asks for the reader to be replaced. */
export interface ReaderRows {
  readonly intact: boolean;
  readonly appliedIndex: number;
  readonly schemaIndex: number;
  readonly microseconds: number;
  readonly error: string;
  readonly json: Buffer;
}

const readCodec: SeamCodec<ReaderRead> = {
  encode: (read) => {
    const out = scratch;
    out.varintField(1, read.render);
    out.varintField(2, read.rowsMax);
    out.varintField(3, read.bytesMax);
    out.bytesField(4, read.command);
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(bytes);
    let [render, rowsMax, bytesMax] = [0, 0, 0];
    let command: Uint8Array = Buffer.alloc(0);
    while (!input.done) {
      const tag = input.tag();
      if (tag === 8 + wireType.varint) render = input.varint();
      else if (tag === 16 + wireType.varint) rowsMax = input.varint();
      else if (tag === 24 + wireType.varint) bytesMax = input.varint();
      else if (tag === 32 + wireType.bytes) command = input.bytes();
      else input.skip(tag);
    }
    return { render, rowsMax, bytesMax, command };
  },
};

const rowsCodec: SeamCodec<ReaderRows> = {
  encode: (rows) => {
    const out = scratch;
    out.varintField(1, rows.intact ? 1 : 0);
    out.varintField(2, rows.appliedIndex);
    out.varintField(3, rows.microseconds);
    out.stringField(4, rows.error);
    out.bytesField(5, rows.json);
    out.varintField(6, rows.schemaIndex);
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(bytes);
    let intact = false;
    let [appliedIndex, schemaIndex, microseconds] = [0, 0, 0];
    let error = '';
    let json: Buffer = Buffer.alloc(0);
    while (!input.done) {
      const tag = input.tag();
      if (tag === 8 + wireType.varint) intact = input.varint() === 1;
      else if (tag === 16 + wireType.varint) appliedIndex = input.varint();
      else if (tag === 24 + wireType.varint) microseconds = input.varint();
      else if (tag === 32 + wireType.bytes) error = input.string();
      else if (tag === 40 + wireType.bytes) json = Buffer.from(input.bytes());
      else if (tag === 48 + wireType.varint) schemaIndex = input.varint();
      else input.skip(tag);
    }
    return { intact, appliedIndex, schemaIndex, microseconds, error, json };
  },
};

/** Opens the database; the first thing said. An empty `error` means it is open. */
export const startReader: Method<ReaderStart, { readonly error: string }> = {
  kind: 1,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** Judges texts that the front has not seen under this schema. */
export const judgeTexts: Method<JudgeRequest, JudgeReply> = {
  kind: 2,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** Takes SQL text that is to be loaded apart. */
export const splitText: Method<string, SplitDump> = {
  kind: 7,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** Runs a read in one snapshot. */
export const runRead: Method<ReaderRead, ReaderRows> = {
  kind: 3,
  request: readCodec,
  reply: rowsCodec,
};

/** Reads changes that this node has captured; undefined: it has captured none. */
export const readChanges: Method<ChangesWanted, ChangesFound | null> = {
  kind: 8,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** What came of hashing. */
export type HashedContent =
  | { readonly kind: 'content'; readonly content: ContentHash }
  | { readonly kind: 'failed'; readonly reason: string };

/** Hashes all that users stored, in one snapshot; says when that is open. */
export const hashContent: Method<undefined, HashedContent> = {
  kind: 5,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** The snapshot that is hashed is open, and holds everything up to this index. */
export const snapshotOpen: SeamEvent<{ readonly appliedIndex: number }> = {
  kind: 6,
  value: jsonCodec(),
};

/** Closes the database; the reader exits after its answer. */
export const stopReader: Method<undefined, undefined> = {
  kind: 4,
  request: emptyCodec,
  reply: emptyCodec,
};
