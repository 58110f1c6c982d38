// Raft messages to bytes and back, as src/command/peer.proto documents them. Decoding takes nothing
// on trust: what leaves here satisfies everything the consensus core may assume about a message's
// form, so that no invariant of it can be broken from outside. An entry's data stays a view of the
// frame.
import { WireReader, WireWriter, wireType } from '#command/wire.ts';
import { unreachable } from '#invariant.ts';
import type { Entry, EntryKind } from '#raft/entry.ts';
import { type LogIndex, logIndex } from '#raft/log-index.ts';
import type { Membership } from '#raft/membership.ts';
import type { Append, AppendReply, Message, Snapshot } from '#raft/message.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';
import { type Term, term } from '#raft/term.ts';
import { appendEntriesMax, membersMax } from './bounds.ts';
import { messageFrameKind } from './frame-kind.ts';
import {
  broken,
  type Decoded,
  decoded,
  type FieldType,
  nodeNameOf,
  WireFields,
} from './wire-fields.ts';

const entryKinds: readonly EntryKind[] = ['command', 'configuration', 'barrier'];

const empty = Buffer.alloc(0);

const writer = new WireWriter();

const number = (field: number, value: number): void => {
  if (value !== 0) writer.varintField(field, value);
};

const flag = (field: number, value: boolean): void => {
  if (value) writer.varintField(field, 1);
};

const encodeEntries = (entries: readonly Entry[]): void => {
  for (const entry of entries) {
    const start = writer.begin(7);
    number(1, entry.term);
    number(2, entryKinds.indexOf(entry.kind));
    if (entry.data.length > 0) writer.bytesField(3, entry.data);
    writer.end(start);
  }
};

const encodeMembership = (field: number, membership: Membership): void => {
  const start = writer.begin(field);
  for (const name of membership.voters) writer.stringField(1, name);
  for (const name of membership.votersOutgoing) writer.stringField(2, name);
  for (const name of membership.learners) writer.stringField(3, name);
  for (const name of membership.learnersNext) writer.stringField(4, name);
  flag(5, membership.autoLeave);
  writer.end(start);
};

const encodeAppendReply = (message: AppendReply): void => {
  flag(4, message.accepted);
  if (message.accepted) {
    number(5, message.matchIndex);
    return;
  }
  number(6, message.rejectedIndex);
  number(7, message.hintIndex);
  number(8, message.hintTerm);
  number(9, message.lastIndex);
};

/** The payload of the frame of kind `messageFrameKind[message.kind]`. */
export const encodeMessage = (message: Message): Buffer => {
  writer.stringField(1, message.from);
  writer.stringField(2, message.to);
  number(3, message.term);
  switch (message.kind) {
    case 'append':
      number(4, message.prevIndex);
      number(5, message.prevTerm);
      number(6, message.commitIndex);
      encodeEntries(message.entries);
      break;
    case 'append-reply':
      encodeAppendReply(message);
      break;
    case 'vote-request':
      flag(4, message.preVote);
      flag(5, message.transfer);
      number(6, message.lastIndex);
      number(7, message.lastTerm);
      break;
    case 'vote-reply':
      flag(4, message.preVote);
      flag(5, message.granted);
      break;
    case 'heartbeat':
      number(4, message.commitIndex);
      number(5, message.readContext);
      break;
    case 'heartbeat-reply':
      number(4, message.readContext);
      if (message.note !== undefined) writer.bytesField(5, message.note);
      break;
    case 'snapshot':
      number(4, message.index);
      number(5, message.indexTerm);
      encodeMembership(6, message.membership);
      break;
    case 'timeout-now':
      break;
    default:
      unreachable(message);
  }
  return writer.finish();
};

const types = (
  varints: readonly number[],
  rest: Readonly<Record<number, FieldType>> = {},
): Readonly<Record<number, FieldType>> => ({
  1: 'bytes',
  2: 'bytes',
  3: 'varint',
  ...Object.fromEntries(varints.map((field) => [field, 'varint' as const])),
  ...rest,
});

const appendTypes = types([4, 5, 6], { 7: 'repeated' });
const appendReplyTypes = types([4, 5, 6, 7, 8, 9]);
const voteRequestTypes = types([4, 5, 6, 7]);
const voteReplyTypes = types([4, 5]);
const heartbeatTypes = types([4, 5]);
const heartbeatReplyTypes = types([4], { 5: 'bytes' });
const snapshotTypes = types([4, 5], { 6: 'bytes' });
const timeoutNowTypes = types([]);
const membershipTypes: Readonly<Record<number, FieldType>> = {
  1: 'repeated',
  2: 'repeated',
  3: 'repeated',
  4: 'repeated',
  5: 'varint',
};

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
}

const envelopeOf = (fields: WireFields): Envelope => ({
  from: nodeId(fields.nodeName(1)),
  to: nodeId(fields.nodeName(2)),
  term: term(fields.varint(3)),
});

/** The envelope of a message that only a node in office or in an election sends. */
const envelopeInOffice = (fields: WireFields): Envelope => {
  const envelope = envelopeOf(fields);
  if (envelope.term === 0) throw broken('term 0 has no leader and no election');
  return envelope;
};

const indexOf = (fields: WireFields, field: number): LogIndex => logIndex(fields.varint(field));
const termOf = (fields: WireFields, field: number): Term => term(fields.varint(field));

/** An entry and a term belong together: index 0 is before the log and has term 0, no other has. */
const requirePlace = (index: number, itsTerm: number, latest: number): void => {
  if ((index === 0) !== (itsTerm === 0)) throw broken(`index ${index} with term ${itsTerm}`);
  if (itsTerm > latest) throw broken(`a log of term ${itsTerm} in a message of term ${latest}`);
};

/** By hand and without {@link WireFields}: entries are the one thing that comes by the thousand. */
const decodeEntry = (bytes: Buffer, index: number): Entry => {
  const reader = new WireReader(bytes);
  let itsTerm = 0;
  let kindNumber = 0;
  let data: Buffer | undefined;
  let previousTag = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag <= previousTag) throw broken('fields of an entry that are not in order or come twice');
    previousTag = tag;
    if (tag === 8 + wireType.varint) itsTerm = reader.varint();
    else if (tag === 16 + wireType.varint) kindNumber = reader.varint();
    else if (tag === 24 + wireType.bytes) data = reader.bytes();
    else throw broken(`an entry with tag ${tag}`);
  }
  const kind = entryKinds[kindNumber];
  if (kind === undefined) throw broken(`entry kind ${kindNumber}`);
  return { index: logIndex(index), term: term(itsTerm), kind, data: data ?? empty };
};

const decodeAppend = (payload: Buffer): Append => {
  const fields = new WireFields(payload, appendTypes, appendEntriesMax);
  const envelope = envelopeInOffice(fields);
  const prevIndex = indexOf(fields, 4);
  const prevTerm = termOf(fields, 5);
  requirePlace(prevIndex, prevTerm, envelope.term);
  const parts = fields.repeated(7);
  if (!Number.isSafeInteger(prevIndex + parts.length))
    throw broken('entries beyond index 2^53 - 1');
  let latest: number = Math.max(prevTerm, 1);
  const entries = parts.map((bytes, at) => {
    const entry = decodeEntry(bytes, prevIndex + 1 + at);
    if (entry.term < latest) throw broken(`term ${entry.term} behind term ${latest}`);
    latest = entry.term;
    return entry;
  });
  if (latest > envelope.term) throw broken(`an entry of term ${latest} in term ${envelope.term}`);
  const commitIndex = indexOf(fields, 6);
  return { kind: 'append', ...envelope, prevIndex, prevTerm, entries, commitIndex };
};

const decodeAppendReply = (payload: Buffer): AppendReply => {
  const fields = new WireFields(payload, appendReplyTypes, 1);
  const envelope = envelopeOf(fields);
  if (fields.flag(4)) {
    return {
      kind: 'append-reply',
      ...envelope,
      accepted: true,
      matchIndex: indexOf(fields, 5),
    };
  }
  return {
    kind: 'append-reply',
    ...envelope,
    accepted: false,
    rejectedIndex: indexOf(fields, 6),
    hintIndex: indexOf(fields, 7),
    hintTerm: termOf(fields, 8),
    lastIndex: indexOf(fields, 9),
  };
};

const decodeVoteRequest = (payload: Buffer): Message => {
  const fields = new WireFields(payload, voteRequestTypes, 1);
  const envelope = envelopeInOffice(fields);
  const lastIndex = indexOf(fields, 6);
  const lastTerm = termOf(fields, 7);
  requirePlace(lastIndex, lastTerm, envelope.term);
  return {
    kind: 'vote-request',
    ...envelope,
    preVote: fields.flag(4),
    transfer: fields.flag(5),
    lastIndex,
    lastTerm,
  };
};

const namesOf = (parts: readonly Buffer[]): readonly NodeId[] => {
  const names = parts.map((bytes) => nodeId(nodeNameOf(bytes)));
  if (names.some((name, at) => at > 0 && name <= (names[at - 1] ?? ''))) {
    throw broken('names that are not sorted or come twice');
  }
  return names;
};

const decodeMembership = (bytes: Buffer): Membership => {
  const fields = new WireFields(bytes, membershipTypes, membersMax);
  const voters = namesOf(fields.repeated(1));
  if (voters.length === 0) throw broken('a membership without voters');
  return {
    voters,
    votersOutgoing: namesOf(fields.repeated(2)),
    learners: namesOf(fields.repeated(3)),
    learnersNext: namesOf(fields.repeated(4)),
    autoLeave: fields.flag(5),
  };
};

const decodeSnapshot = (payload: Buffer): Snapshot => {
  const fields = new WireFields(payload, snapshotTypes, 1);
  const envelope = envelopeInOffice(fields);
  const index = indexOf(fields, 4);
  const indexTerm = termOf(fields, 5);
  if (index === 0) throw broken('an image of nothing');
  requirePlace(index, indexTerm, envelope.term);
  const membership = decodeMembership(fields.bytes(6));
  return { kind: 'snapshot', ...envelope, index, indexTerm, membership };
};

const decodeHeartbeat = (payload: Buffer): Message => {
  const fields = new WireFields(payload, heartbeatTypes, 1);
  return {
    kind: 'heartbeat',
    ...envelopeInOffice(fields),
    commitIndex: indexOf(fields, 4),
    readContext: fields.varint(5),
  };
};

const decodeHeartbeatReply = (payload: Buffer): Message => {
  const fields = new WireFields(payload, heartbeatReplyTypes, 1);
  const note = fields.bytes(5);
  return {
    kind: 'heartbeat-reply',
    ...envelopeOf(fields),
    readContext: fields.varint(4),
    ...(note.length === 0 ? {} : { note }),
  };
};

const decodeByKind = (frameKind: number, payload: Buffer): Message => {
  switch (frameKind) {
    case messageFrameKind.append:
      return decodeAppend(payload);
    case messageFrameKind['append-reply']:
      return decodeAppendReply(payload);
    case messageFrameKind['vote-request']:
      return decodeVoteRequest(payload);
    case messageFrameKind['vote-reply']: {
      const fields = new WireFields(payload, voteReplyTypes, 1);
      const envelope = envelopeOf(fields);
      return { kind: 'vote-reply', ...envelope, preVote: fields.flag(4), granted: fields.flag(5) };
    }
    case messageFrameKind.heartbeat:
      return decodeHeartbeat(payload);
    case messageFrameKind['heartbeat-reply']:
      return decodeHeartbeatReply(payload);
    case messageFrameKind.snapshot:
      return decodeSnapshot(payload);
    case messageFrameKind['timeout-now']:
      return {
        kind: 'timeout-now',
        ...envelopeInOffice(new WireFields(payload, timeoutNowTypes, 1)),
      };
    default:
      throw broken(`frame kind ${frameKind}`);
  }
};

/** The message in a frame, or why there is none. */
export const decodeMessage = (frameKind: number, payload: Buffer): Decoded<Message> =>
  decoded(() => decodeByKind(frameKind, payload));
