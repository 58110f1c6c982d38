// The note in the answer to a heartbeat: how far a replica is and what it did (OutcomeNote in
// src/command/peer.proto). What cannot be read is no note: a peer's bytes are never believed.
import { WireReader, WireWriter, wireType } from '#command/wire.ts';
import { CodedError } from '#errors.ts';
import { noteMarksMax } from './bounds.ts';
import type { ChainMark } from './marks.ts';

/** The version of the note. */
const noteVersion = 1;
const chainBytes = 32;

/** What a replica tells the leader. */
export interface OutcomeNote {
  readonly appliedIndex: number;
  readonly marks: readonly ChainMark[];
  readonly quarantined: boolean;
}

const writer = new WireWriter();

/** A note's bytes. */
export const encodeNote = (note: OutcomeNote): Buffer => {
  writer.start();
  writer.varintField(1, noteVersion);
  writer.varintField(2, note.appliedIndex);
  for (const { index, chain } of note.marks) {
    const mark = writer.begin(3);
    writer.varintField(1, index);
    writer.bytesField(2, Buffer.from(chain, 'hex'));
    writer.end(mark);
  }
  if (note.quarantined) writer.varintField(4, 1);
  return writer.finish();
};

const markFrom = (bytes: Uint8Array): ChainMark | undefined => {
  const reader = new WireReader(bytes);
  let index = 0;
  let chain = Buffer.alloc(0);
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === 8 + wireType.varint) index = reader.varint();
    else if (tag === 16 + wireType.bytes) chain = Buffer.from(reader.bytes());
    else reader.skip(tag);
  }
  return chain.length === chainBytes ? { index, chain: chain.toString('hex') } : undefined;
};

const noteFrom = (bytes: Uint8Array): OutcomeNote | undefined => {
  const reader = new WireReader(bytes);
  let [version, appliedIndex, quarantined] = [0, 0, false];
  const marks: ChainMark[] = [];
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === 8 + wireType.varint) version = reader.varint();
    else if (tag === 16 + wireType.varint) appliedIndex = reader.varint();
    else if (tag === 32 + wireType.varint) quarantined = reader.varint() === 1;
    else if (tag === 24 + wireType.bytes) {
      const mark = markFrom(reader.bytes());
      if (mark === undefined || marks.length === noteMarksMax) return undefined;
      marks.push(mark);
    } else reader.skip(tag);
  }
  return version === noteVersion ? { appliedIndex, marks, quarantined } : undefined;
};

/** The note in these bytes; undefined for another version and for anything broken. */
export const decodeNote = (bytes: Uint8Array): OutcomeNote | undefined => {
  try {
    return noteFrom(bytes);
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
};
