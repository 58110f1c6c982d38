// What holds a hand-written codec and the generated one together, and the values that messages
// share: texts, blobs, indexes, statements.
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import fc from 'fast-check';
import type { Statement } from '#command/command.ts';
import {
  type Statement as GeneratedStatement,
  type Value as GeneratedValue,
  NamedValueSchema,
  Null,
  StatementSchema,
  ValueSchema,
} from '#command/generated/command_pb.js';
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

export const pairOf = <Desc extends DescMessage, Shape>(parts: Parts<Desc, Shape>): CodecPair => ({
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
export const record = <Shape extends object>(
  model: { readonly [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> },
): fc.Arbitrary<Shape> => fc.record<Shape>(model, { noNullPrototype: true });

/** A message's fields without what is not in the value: the format and the codec's own marks. */
export const fieldsOf = (message: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(message).filter(([key]) => key !== 'format' && !key.startsWith('$')),
  );

export const text = fc.string({ unit: 'binary', maxLength: 60 });
const longText = fc.oneof(
  { weight: 9, arbitrary: text },
  { weight: 1, arbitrary: text.map((part) => part.repeat(40)) },
);
export const blob = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
export const index = fc.oneof(fc.nat(300), fc.maxSafeNat());
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -1100n, max: 1100n }),
  fc.double(),
  longText,
  blob,
);

/** Values that stand behind names: their places, by how many names the first and the last skip. */
const placed = (statement: Statement, first: number, last: number): Statement => {
  const { positional, named } = statement;
  if (positional.length === 0 || last % (named.length + 1) === 0) return statement;
  const most = last % (named.length + 1);
  const least = first % (most + 1);
  const places = positional.map(
    (_, at) => at + 1 + (at + 1 === positional.length ? most : Math.min(least, most)),
  );
  return { ...statement, places };
};

const statementOf = (texts: number): fc.Arbitrary<Statement> =>
  fc
    .tuple(
      record({
        text: fc.nat(texts - 1),
        positional: fc.array(value, { maxLength: 6 }),
        named: fc.array(fc.tuple(text, value), { maxLength: 3 }),
      }),
      fc.nat(3),
      fc.nat(3),
    )
    .map(([statement, first, last]) => placed(statement, first, last));

export const table = fc.array(longText, { minLength: 1, maxLength: 4 }).chain((texts) =>
  record({
    texts: fc.constant(texts),
    statements: fc.array(statementOf(texts.length), { maxLength: 6 }),
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

export const statementMessage = (from: Statement): GeneratedStatement =>
  create(StatementSchema, {
    text: from.text,
    positional: from.positional.map(valueMessage),
    named: from.named.map(([name, item]) =>
      create(NamedValueSchema, { name, value: valueMessage(item) }),
    ),
    places: [...(from.places ?? [])],
  });

export const statementFrom = (message: GeneratedStatement): unknown => ({
  text: message.text,
  positional: message.positional.map(valueFrom),
  named: message.named.map((pair) => [pair.name, valueFrom(pair.value)]),
  ...(message.places.length === 0 ? {} : { places: message.places }),
});
