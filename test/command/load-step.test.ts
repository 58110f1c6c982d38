// The steps of a load: the bytes that the generated codec makes, told apart from commands, and
// nothing else taken for them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import type { Command } from '#command/command.ts';
import { decodeCommand, encodeCommand } from '#command/command-codec.ts';
import { LoadStepSchema } from '#command/generated/load_pb.js';
import { type LoadStep, loadPieceBytesMax } from '#command/load-step.ts';
import { decodeLoadStep, encodeLoadStep, isLoadStep } from '#command/load-step-codec.ts';
import { CodedError } from '#errors.ts';

const load = Buffer.alloc(16, 7);
const common = { load, user: 'ada', requestId: 'r1' };
const digest = Buffer.alloc(32, 9);

const steps: readonly LoadStep[] = [
  { ...common, kind: 'piece', bytes: 0, data: Buffer.from('x') },
  { ...common, kind: 'piece', bytes: 2 ** 40, data: Buffer.alloc(loadPieceBytesMax, 1) },
  { ...common, kind: 'database', bytes: 300_000_000, digest },
  { ...common, kind: 'command', bytes: 5, digest, user: '', requestId: '' },
  { ...common, kind: 'abandon' },
];

const kinds = ['piece', 'database', 'command', 'abandon'];

const generated = (step: LoadStep): Buffer =>
  Buffer.from(
    toBinary(
      LoadStepSchema,
      create(LoadStepSchema, {
        ...step,
        format: 3,
        kind: kinds.indexOf(step.kind) + 1,
        bytes: 'bytes' in step ? BigInt(step.bytes) : 0n,
      }),
    ),
  );

test('steps of a load have the bytes that the generated codec makes, and read back the same', () => {
  for (const step of steps) {
    const bytes = encodeLoadStep(step);
    assert.deepEqual(bytes, generated(step), step.kind);
    assert.deepEqual(decodeLoadStep(bytes), step);
  }
});

test('a step is no command and a command is no step', () => {
  const command = encodeCommand({
    texts: ['SELECT 1'],
    statements: [{ text: 0, positional: [], named: [] }],
    transaction: false,
    schemaIndex: 0,
    changesSchema: false,
    user: '',
    requestId: '',
  });
  assert.equal(isLoadStep(command), false);
  assert.throws(() => decodeLoadStep(command), CodedError);
  for (const step of steps) {
    const bytes = encodeLoadStep(step);
    assert.equal(isLoadStep(bytes), true);
    assert.throws(() => decodeCommand(bytes), CodedError);
  }
});

test('no command is taken for a step of a load, with a key or without', () => {
  const command: Command = {
    texts: ['SELECT 1'],
    statements: [{ text: 0, positional: [], named: [] }],
    transaction: false,
    schemaIndex: 0,
    changesSchema: false,
    user: 'ada',
    requestId: 'r',
  };
  const idempotency = { key: 'k', digest: Buffer.alloc(32), render: 1 };
  for (const one of [command, { ...command, idempotency }]) {
    assert.equal(isLoadStep(encodeCommand(one)), false);
  }
});

test('FRM-05 FRM-06 a step that is cut, too long or of an unknown kind is refused', () => {
  for (const step of steps) {
    const bytes = encodeLoadStep(step);
    for (let length = 0; length < Math.min(bytes.length, 60); length++) {
      try {
        const read = decodeLoadStep(bytes.subarray(0, length));
        // Between two fields it may be whole: then it says less, and nothing else.
        assert.equal(read.kind, step.kind);
      } catch (error) {
        assert.ok(error instanceof CodedError && error.code === 'bad_request');
      }
    }
  }
  const broken = (fields: object): Buffer =>
    Buffer.from(toBinary(LoadStepSchema, create(LoadStepSchema, { format: 3, load, ...fields })));
  for (const [why, fields] of [
    ['no kind', {}],
    ['a later kind', { kind: 5 }],
    ['a short id', { kind: 4, load: Buffer.alloc(15) }],
    ['an empty piece', { kind: 1 }],
    ['a long piece', { kind: 1, data: Buffer.alloc(loadPieceBytesMax + 1) }],
    ['a short digest', { kind: 2, digest: Buffer.alloc(31) }],
    ['a later format', { kind: 4, format: 4 }],
    ['the format of a command with a key', { kind: 4, format: 2 }],
  ] as const) {
    assert.throws(() => decodeLoadStep(broken(fields)), CodedError, why);
  }
});
