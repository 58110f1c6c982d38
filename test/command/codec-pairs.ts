// Each hand-written codec beside the generated one: values to try, and both ways to write and read
// them. Used by the tests that hold the two together; holds no test itself.
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import fc from 'fast-check';
import { decodeClusterRecord, encodeClusterRecord } from '#command/cluster-record-codec.ts';
import type { Command, Statement } from '#command/command.ts';
import { decodeCommand, encodeCommand } from '#command/command-codec.ts';
import {
  type ConfigurationRecord,
  decodeConfiguration,
  encodeConfiguration,
} from '#command/configuration-codec.ts';
import type { ForwardReply, ForwardRequest } from '#command/forward.ts';
import {
  decodeForwardReply,
  decodeForwardRequest,
  encodeForwardReply,
  encodeForwardRequest,
} from '#command/forward-codec.ts';
import {
  CommandSchema,
  type Statement as GeneratedStatement,
  type Value as GeneratedValue,
  NamedValueSchema,
  Null,
  StatementSchema,
  ValueSchema,
} from '#command/generated/command_pb.js';
import {
  ClusterRecordSchema,
  ConfigurationSchema,
  DeniedSchema,
  GrantSchema,
  MemberSchema,
  TombstoneSchema,
} from '#command/generated/configuration_pb.js';
import { ForwardReplySchema, ForwardRequestSchema } from '#command/generated/forward_pb.js';
import { OutcomeSchema } from '#command/generated/outcome_pb.js';
import { ProposalSchema } from '#command/generated/proposal_pb.js';
import type { ClusterRecord, MemberRecord } from '#command/member.ts';
import type { Outcome } from '#command/outcome.ts';
import { decodeOutcome, encodeOutcome } from '#command/outcome-codec.ts';
import type { Proposal } from '#command/proposal.ts';
import { decodeProposal, encodeProposal } from '#command/proposal-codec.ts';
import type { Value } from '#command/value.ts';

/** One value with its bytes from both sides. */
export interface Sample {
  readonly value: unknown;
  readonly byHand: Buffer;
  readonly generated: Buffer;
  /** The generated message, to add unknown fields to. */
  readonly message: object;
  /** Bytes of `message` as it is now. */
  write(): Buffer;
}

/** A codec pair with its types hidden, so that one test can run over all of them. */
export interface CodecPair {
  readonly name: string;
  readonly samples: fc.Arbitrary<Sample>;
  readByHand(bytes: Uint8Array): unknown;
  /** @throws when the generated codec refuses the bytes */
  readGenerated(bytes: Uint8Array): unknown;
}

interface Parts<Desc extends DescMessage, Shape> {
  readonly schema: Desc;
  readonly values: fc.Arbitrary<Shape>;
  readonly encode: (value: Shape) => Buffer;
  readonly decode: (bytes: Uint8Array) => Shape;
  readonly toMessage: (value: Shape) => MessageShape<Desc>;
  readonly fromMessage: (message: MessageShape<Desc>) => unknown;
}

const pairOf = <Desc extends DescMessage, Shape>(parts: Parts<Desc, Shape>): CodecPair => ({
  name: parts.schema.name,
  samples: parts.values.map((value) => {
    const message = parts.toMessage(value);
    const write = (): Buffer => Buffer.from(toBinary(parts.schema, message));
    return { value, byHand: parts.encode(value), generated: write(), message, write };
  }),
  readByHand: parts.decode,
  readGenerated: (bytes) => parts.fromMessage(fromBinary(parts.schema, bytes)),
});

/** Records with the usual prototype, so that they compare with what a codec returns. */
const record = <Shape extends object>(
  model: { readonly [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> },
): fc.Arbitrary<Shape> => fc.record<Shape>(model, { noNullPrototype: true });

/** A message's fields without what is not in the value: the format and the codec's own marks. */
const fieldsOf = (message: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(message).filter(([key]) => key !== 'format' && !key.startsWith('$')),
  );

const text = fc.string({ unit: 'binary', maxLength: 60 });
const longText = fc.oneof(
  { weight: 9, arbitrary: text },
  { weight: 1, arbitrary: text.map((part) => part.repeat(40)) },
);
const blob = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const index = fc.oneof(fc.nat(300), fc.maxSafeNat());
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -1100n, max: 1100n }),
  fc.double(),
  longText,
  blob,
);

const table = fc.array(longText, { minLength: 1, maxLength: 4 }).chain((texts) =>
  record({
    texts: fc.constant(texts),
    statements: fc.array(
      record({
        text: fc.nat(texts.length - 1),
        positional: fc.array(value, { maxLength: 6 }),
        named: fc.array(fc.tuple(text, value), { maxLength: 3 }),
      }),
      { maxLength: 6 },
    ),
  }),
);

const valueMessage = (from: Value): GeneratedValue => {
  const kind = (): GeneratedValue['kind'] => {
    if (from === null) return { case: 'null', value: Null.VALUE };
    if (typeof from === 'boolean') return { case: 'boolean', value: from };
    if (typeof from === 'bigint') return { case: 'integer', value: from };
    if (typeof from === 'number') return { case: 'real', value: from };
    if (typeof from === 'string') return { case: 'text', value: from };
    return { case: 'blob', value: from };
  };
  return create(ValueSchema, { kind: kind() });
};

const valueFrom = (message: GeneratedValue | undefined): unknown => {
  if (message?.kind.case === 'null') return null;
  if (message?.kind.case === 'blob') return Buffer.from(message.kind.value);
  return message?.kind.value;
};

const statementMessage = (from: Statement): GeneratedStatement =>
  create(StatementSchema, {
    text: from.text,
    positional: from.positional.map(valueMessage),
    named: from.named.map(([name, item]) =>
      create(NamedValueSchema, { name, value: valueMessage(item) }),
    ),
  });

const statementFrom = (message: GeneratedStatement): unknown => ({
  text: message.text,
  positional: message.positional.map(valueFrom),
  named: message.named.map((pair) => [pair.name, valueFrom(pair.value)]),
});

const commandPair = pairOf({
  schema: CommandSchema,
  values: fc.tuple(table, fc.boolean(), index, fc.boolean(), text, text).map(
    ([statements, transaction, schemaIndex, changesSchema, user, requestId]): Command => ({
      ...statements,
      transaction,
      schemaIndex,
      changesSchema,
      user,
      requestId,
    }),
  ),
  encode: encodeCommand,
  decode: decodeCommand,
  toMessage: (command) =>
    create(CommandSchema, {
      ...command,
      format: 1,
      schemaIndex: BigInt(command.schemaIndex),
      texts: [...command.texts],
      statements: command.statements.map(statementMessage),
    }),
  fromMessage: ({
    texts,
    statements,
    transaction,
    schemaIndex,
    changesSchema,
    user,
    requestId,
  }) => ({
    texts,
    statements: statements.map(statementFrom),
    transaction,
    schemaIndex: Number(schemaIndex),
    changesSchema,
    user,
    requestId,
  }),
});

const proposalPair = pairOf({
  schema: ProposalSchema,
  values: record({
    timeMs: index,
    seed: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
    command: blob,
  }),
  encode: encodeProposal,
  decode: decodeProposal,
  toMessage: (proposal: Proposal) =>
    create(ProposalSchema, { ...proposal, format: 1, timeMs: BigInt(proposal.timeMs) }),
  fromMessage: ({ timeMs, seed, command }) => ({
    timeMs: Number(timeMs),
    seed: Buffer.from(seed),
    command: Buffer.from(command),
  }),
});

const outcomePair = pairOf({
  schema: OutcomeSchema,
  values: fc.oneof(
    record({
      kind: fc.constant('results' as const),
      json: blob,
      error: text,
      microseconds: index,
    }),
    record({ kind: fc.constant('schema-changed' as const), schemaIndex: index }),
  ),
  encode: encodeOutcome,
  decode: decodeOutcome,
  toMessage: (outcome: Outcome) =>
    outcome.kind === 'results'
      ? create(OutcomeSchema, { ...outcome, kind: 1, microseconds: BigInt(outcome.microseconds) })
      : create(OutcomeSchema, { kind: 2, schemaIndex: BigInt(outcome.schemaIndex) }),
  fromMessage: ({ kind, json, error, microseconds, schemaIndex }) =>
    kind === 1
      ? { kind: 'results', json: Buffer.from(json), error, microseconds: Number(microseconds) }
      : { kind: 'schema-changed', schemaIndex: Number(schemaIndex) },
});

const kinds = ['execute', 'query', 'request', 'load', 'load-step'] as const;
const levels = ['none', 'weak', 'linearizable', 'strong'] as const;

const requestPair = pairOf({
  schema: ForwardRequestSchema,
  values: fc
    .tuple(
      table,
      record({
        kind: fc.constantFrom(...kinds),
        level: fc.constantFrom(...levels),
        render: fc.nat(255),
        transaction: fc.boolean(),
        timeoutMs: fc.nat(2 ** 32 - 1),
        user: text,
        requestId: text,
        clientAddress: text,
      }),
    )
    .map(([statements, rest]): ForwardRequest => ({ ...rest, ...statements })),
  encode: encodeForwardRequest,
  decode: decodeForwardRequest,
  toMessage: (request) =>
    create(ForwardRequestSchema, {
      ...request,
      format: 1,
      kind: kinds.indexOf(request.kind) + 1,
      level: levels.indexOf(request.level) + 1,
      texts: [...request.texts],
      statements: request.statements.map(statementMessage),
    }),
  fromMessage: (message) => ({
    ...fieldsOf(message),
    kind: kinds[message.kind - 1],
    level: levels[message.level - 1],
    statements: message.statements.map(statementFrom),
  }),
});

const replyPair = pairOf({
  schema: ForwardReplySchema,
  values: record({
    status: fc.integer({ min: 100, max: 599 }),
    json: blob,
    error: text,
    raftIndex: index,
    servedBy: text,
    microseconds: index,
  }),
  encode: encodeForwardReply,
  decode: decodeForwardReply,
  toMessage: (reply: ForwardReply) =>
    create(ForwardReplySchema, {
      ...reply,
      raftIndex: BigInt(reply.raftIndex),
      microseconds: BigInt(reply.microseconds),
    }),
  fromMessage: ({ status, json, error, raftIndex, servedBy, microseconds }) => ({
    status,
    json: Buffer.from(json),
    error,
    raftIndex: Number(raftIndex),
    servedBy,
    microseconds: Number(microseconds),
  }),
});

const name = text.filter((candidate) => candidate !== '');
const names = fc.array(name, { maxLength: 5 });

const configurationPair = pairOf({
  schema: ConfigurationSchema,
  values: record({
    voters: names,
    votersOutgoing: names,
    learners: names,
    learnersNext: names,
    autoLeave: fc.boolean(),
    context: blob,
  }),
  encode: encodeConfiguration,
  decode: decodeConfiguration,
  toMessage: (record: ConfigurationRecord) =>
    create(ConfigurationSchema, {
      format: 1,
      voters: [...record.voters],
      votersOutgoing: [...record.votersOutgoing],
      learners: [...record.learners],
      learnersNext: [...record.learnersNext],
      autoLeave: record.autoLeave,
      context: record.context,
    }),
  fromMessage: (message) => ({ ...fieldsOf(message), context: Buffer.from(message.context) }),
});

const instant = fc.maxSafeNat();

const member: fc.Arbitrary<MemberRecord> = fc
  .tuple(
    record({ name, storeId: text, keyPin: text, peerAddress: text, apiUrl: text }),
    fc.boolean(),
  )
  .map(([fields, readReplica]) => (readReplica ? { ...fields, readReplica } : fields));

/** Without what a later version may have added: that is kept, not read. */
const known = <Shape extends { later?: unknown }>(fields: Shape): Shape => {
  const copy = { ...fields };
  delete copy.later;
  return copy;
};

/** Empty settings are none. */
const settingsOf = (settings: Uint8Array | undefined): { settings?: Buffer } =>
  settings === undefined || settings.length === 0 ? {} : { settings: Buffer.from(settings) };

const clusterRecordPair = pairOf({
  schema: ClusterRecordSchema,
  values: record<Required<Omit<ClusterRecord, 'later'>>>({
    members: fc.array(member, { maxLength: 4 }),
    settings: blob,
    grants: fc.array(
      record({
        name,
        publicKey: text,
        expiresMs: instant,
        readReplica: fc.boolean(),
        usedMs: instant,
        usedFrom: text,
      }),
      { maxLength: 4 },
    ),
    tombstones: fc.array(record({ name, storeId: text, keyPin: text }), { maxLength: 4 }),
    denied: fc.array(
      fc
        .tuple(record({ issuer: text, deniedMs: instant, reason: text }), name, fc.boolean())
        .map(([rest, who, byName]) => ({
          ...rest,
          name: byName ? who : '',
          serial: byName ? '' : who,
        })),
      { maxLength: 4 },
    ),
  }).map(({ settings, ...rest }): ClusterRecord => ({ ...rest, ...settingsOf(settings) })),
  encode: encodeClusterRecord,
  decode: (bytes): ClusterRecord => {
    const { members, settings, grants, tombstones, denied } = decodeClusterRecord(bytes);
    return {
      ...settingsOf(settings),
      members: members.map(known),
      grants: grants.map(known),
      tombstones: tombstones.map(known),
      denied: denied.map(known),
    };
  },
  toMessage: ({ members, settings, grants, tombstones, denied }) =>
    create(ClusterRecordSchema, {
      format: 1,
      ...settingsOf(settings),
      members: members.map((fields) => create(MemberSchema, fields)),
      grants: grants.map((fields) =>
        create(GrantSchema, {
          ...fields,
          expiresMs: BigInt(fields.expiresMs),
          usedMs: BigInt(fields.usedMs),
        }),
      ),
      tombstones: tombstones.map((fields) => create(TombstoneSchema, fields)),
      denied: denied.map((fields) =>
        create(DeniedSchema, { ...fields, deniedMs: BigInt(fields.deniedMs) }),
      ),
    }),
  fromMessage: ({ members, settings, grants, tombstones, denied }) => ({
    ...settingsOf(settings),
    members: members.map(({ readReplica, ...fields }) => ({
      ...fieldsOf(fields),
      ...(readReplica ? { readReplica } : {}),
    })),
    grants: grants.map((fields) => ({
      ...fieldsOf(fields),
      expiresMs: Number(fields.expiresMs),
      usedMs: Number(fields.usedMs),
    })),
    tombstones: tombstones.map(fieldsOf),
    denied: denied.map((fields) => ({ ...fieldsOf(fields), deniedMs: Number(fields.deniedMs) })),
  }),
});

/** Every codec of src/command. */
export const codecPairs: readonly CodecPair[] = [
  commandPair,
  proposalPair,
  outcomePair,
  requestPair,
  replyPair,
  configurationPair,
  clusterRecordPair,
];
