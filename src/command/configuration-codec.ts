// The bytes of configuration entries and of the members' particulars in them (configuration.proto).
// Consensus is handed these functions; names stay plain strings here.
import { pushBounded, tooMany } from './bounded-list.ts';
import { checkFormat, formatVersion } from './format.ts';
import type { MemberRecord } from './member.ts';
import { brokenMessage, tagOf, WireReader, WireWriter, wireType } from './wire.ts';

const { varint, bytes } = wireType;

/** Most names in one list and most members, as in the peer protocol: a Raft group has a handful. */
const membersMax = 256;

/** Who counts, as a configuration entry records it. */
export interface ConfigurationRecord {
  readonly voters: readonly string[];
  readonly votersOutgoing: readonly string[];
  readonly learners: readonly string[];
  readonly learnersNext: readonly string[];
  readonly autoLeave: boolean;
  /** Encoded members. */
  readonly context: Uint8Array;
}

const writer = new WireWriter();

const checkNames = (names: readonly string[]): void => {
  if (names.length > membersMax) throw tooMany('members', membersMax);
  if (names.includes('')) throw brokenMessage('a member without a name');
};

const checkRecord = (record: ConfigurationRecord): void => {
  checkNames(record.voters);
  checkNames(record.votersOutgoing);
  checkNames(record.learners);
  checkNames(record.learnersNext);
};

/**
 * A configuration's bytes.
 *
 * @throws CodedError `bad_request` for an empty name or more than 256 names in a list
 */
export const encodeConfiguration = (record: ConfigurationRecord): Buffer => {
  checkRecord(record);
  writer.start();
  writer.varintField(1, formatVersion);
  for (const name of record.voters) writer.stringField(2, name);
  for (const name of record.votersOutgoing) writer.stringField(3, name);
  for (const name of record.learners) writer.stringField(4, name);
  for (const name of record.learnersNext) writer.stringField(5, name);
  if (record.autoLeave) writer.varintField(6, 1);
  return writer.finishWith(7, record.context);
};

/**
 * The configuration that `input` holds; `context` is a view into it.
 *
 * @throws CodedError `bad_request` for anything {@link encodeConfiguration} could not have made,
 *   unknown fields aside
 */
export const decodeConfiguration = (input: Uint8Array): ConfigurationRecord => {
  const reader = new WireReader(input);
  const voters: string[] = [];
  const votersOutgoing: string[] = [];
  const learners: string[] = [];
  const learnersNext: string[] = [];
  let format = 0;
  let autoLeave = false;
  let context: Uint8Array = Buffer.alloc(0);
  while (!reader.done) {
    const tag = reader.tag();
    switch (tag) {
      case tagOf(1, varint):
        format = reader.varint();
        break;
      case tagOf(2, bytes):
        pushBounded(voters, reader.string(), membersMax, 'members');
        break;
      case tagOf(3, bytes):
        pushBounded(votersOutgoing, reader.string(), membersMax, 'members');
        break;
      case tagOf(4, bytes):
        pushBounded(learners, reader.string(), membersMax, 'members');
        break;
      case tagOf(5, bytes):
        pushBounded(learnersNext, reader.string(), membersMax, 'members');
        break;
      case tagOf(6, varint):
        autoLeave = reader.varint() !== 0;
        break;
      case tagOf(7, bytes):
        context = reader.bytes();
        break;
      default:
        reader.skip(tag, 7);
    }
  }
  checkFormat('configuration', format);
  const record = { voters, votersOutgoing, learners, learnersNext, autoLeave, context };
  checkRecord(record);
  return record;
};

/**
 * The bytes of all members' particulars.
 *
 * @throws CodedError `bad_request` for an empty name or more than 256 members
 */
export const encodeMembers = (members: readonly MemberRecord[]): Buffer => {
  checkNames(members.map((member) => member.name));
  writer.start();
  writer.varintField(1, formatVersion);
  for (const member of members) {
    const start = writer.begin(2);
    writer.stringField(1, member.name);
    if (member.storeId !== '') writer.stringField(2, member.storeId);
    if (member.keyPin !== '') writer.stringField(3, member.keyPin);
    if (member.peerAddress !== '') writer.stringField(4, member.peerAddress);
    if (member.apiUrl !== '') writer.stringField(5, member.apiUrl);
    writer.end(start);
  }
  return writer.finish();
};

const readMember = (reader: WireReader): MemberRecord => {
  const member = { name: '', storeId: '', keyPin: '', peerAddress: '', apiUrl: '' };
  const outer = reader.enter();
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === tagOf(1, bytes)) member.name = reader.string();
    else if (tag === tagOf(2, bytes)) member.storeId = reader.string();
    else if (tag === tagOf(3, bytes)) member.keyPin = reader.string();
    else if (tag === tagOf(4, bytes)) member.peerAddress = reader.string();
    else if (tag === tagOf(5, bytes)) member.apiUrl = reader.string();
    else reader.skip(tag, 5);
  }
  reader.leave(outer);
  return member;
};

/**
 * The members that `input` holds.
 *
 * @throws CodedError `bad_request` for anything {@link encodeMembers} could not have made, unknown
 *   fields aside
 */
export const decodeMembers = (input: Uint8Array): readonly MemberRecord[] => {
  const reader = new WireReader(input);
  const members: MemberRecord[] = [];
  let format = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === tagOf(1, varint)) format = reader.varint();
    else if (tag === tagOf(2, bytes))
      pushBounded(members, readMember(reader), membersMax, 'members');
    else reader.skip(tag, 2);
  }
  checkFormat('member list', format);
  checkNames(members.map((member) => member.name));
  return members;
};
