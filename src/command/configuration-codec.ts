// The bytes of configuration entries (configuration.proto); what their context holds is
// cluster-record-codec.ts's part. Consensus is handed these functions; names stay plain strings
// here.
import { pushBounded, tooMany } from './bounded-list.ts';
import { checkFormat, formatVersion } from './format.ts';
import { brokenMessage, tagOf, WireReader, WireWriter, wireType } from './wire.ts';

const { varint, bytes } = wireType;

/** Most names in one list, as in the peer protocol: a Raft group has a handful. */
export const membersMax = 256;

/** Who counts, as a configuration entry records it. */
export interface ConfigurationRecord {
  readonly voters: readonly string[];
  readonly votersOutgoing: readonly string[];
  readonly learners: readonly string[];
  readonly learnersNext: readonly string[];
  readonly autoLeave: boolean;
  /** An encoded cluster record; empty in an entry that only leaves a joint configuration. */
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
