// The hand-written codecs against the generated ones: same bytes, same values, and on broken input
// never a value that the generated codec would not have read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { CodedError } from '#errors.ts';
import type { CodecPair } from './codec-pair.ts';
import { codecPairs } from './codec-pairs.ts';

/** Reads by hand; a refusal must be `bad_request`, a value must be the generated codec's value. */
const readsLikeGenerated = (pair: CodecPair, bytes: Uint8Array): 'refused' | 'read' => {
  let value: unknown;
  try {
    value = pair.readByHand(bytes);
  } catch (error) {
    assert.ok(error instanceof CodedError, String(error));
    assert.equal(error.code, 'bad_request');
    return 'refused';
  }
  assert.deepEqual(value, pair.readGenerated(bytes));
  return 'read';
};

/** Offsets where a field of the outermost message begins, and the end. */
const fieldOffsets = (bytes: Uint8Array): readonly number[] => {
  const reader = new BinaryReader(bytes);
  const offsets = [0];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    reader.skip(type, field);
    offsets.push(reader.pos);
  }
  return offsets;
};

/** One field of a number that no message has, in each of the four wire types. */
const unknownField = fc
  .tuple(fc.integer({ min: 100, max: 2 ** 29 - 1 }), fc.nat(3))
  .map(([field, type]) => {
    const writer = new BinaryWriter();
    if (type === 0) writer.tag(field, WireType.Varint).uint64(2n ** 64n - 1n);
    else if (type === 1) writer.tag(field, WireType.Bit64).double(0.5);
    else if (type === 2) writer.tag(field, WireType.LengthDelimited).string('later version');
    else writer.tag(field, WireType.Bit32).fixed32(7);
    return writer.finish();
  });

/** Adds a field of a later version to a generated message and to everything inside it. */
const addUnknownFields = (message: object): void => {
  for (const child of Object.values(message)) {
    if (typeof child === 'object' && child !== null) addUnknownFields(child);
  }
  if ('$typeName' in message) {
    Object.assign(message, {
      $unknown: [{ no: 1000, wireType: WireType.Varint, data: Uint8Array.of(1) }],
    });
  }
};

for (const pair of codecPairs) {
  test(`${pair.name}: the bytes written by hand are those of the generated codec`, () => {
    fc.assert(
      fc.property(pair.samples, (sample) => {
        assert.deepEqual(sample.byHand, sample.generated);
      }),
    );
  });

  test(`${pair.name}: bytes of the generated codec are read by hand as what they mean`, () => {
    fc.assert(
      fc.property(pair.samples, (sample) => {
        assert.deepEqual(pair.readByHand(sample.generated), sample.value);
      }),
    );
  });

  test(`${pair.name}: fields of a later version are skipped, wherever they stand`, () => {
    fc.assert(
      fc.property(pair.samples, unknownField, fc.nat(), (sample, field, pick) => {
        const offsets = fieldOffsets(sample.generated);
        const at = offsets[pick % offsets.length] ?? 0;
        const mixed = [sample.generated.subarray(0, at), field, sample.generated.subarray(at)];
        assert.deepEqual(pair.readByHand(Buffer.concat(mixed)), sample.value);
      }),
    );
  });

  test(`${pair.name}: fields of a later version are skipped at every depth`, () => {
    fc.assert(
      fc.property(pair.samples, (sample) => {
        addUnknownFields(sample.message);
        const bytes = sample.write();
        assert.ok(bytes.length > sample.byHand.length);
        assert.deepEqual(pair.readByHand(bytes), sample.value);
      }),
    );
  });

  test(`FRM-07 ${pair.name}: cut inside a field it is refused, between fields it reads as the generated codec does`, () => {
    fc.assert(
      fc.property(pair.samples, ({ generated }) => {
        const whole = new Set(fieldOffsets(generated));
        for (let length = 0; length < Math.min(generated.length, 2000); length++) {
          const read = readsLikeGenerated(pair, generated.subarray(0, length));
          if (!whole.has(length)) assert.equal(read, 'refused', `cut at ${length}`);
        }
      }),
      { numRuns: 25 },
    );
  });

  test(`${pair.name}: two messages end to end merge as the generated codec merges them`, () => {
    fc.assert(
      fc.property(pair.samples, pair.samples, (first, second) => {
        readsLikeGenerated(pair, Buffer.concat([first.generated, second.generated]));
      }),
    );
  });

  test(`FRM-06 ${pair.name}: damaged bytes are refused or read as the generated codec reads them`, () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(pair.samples, damage, ({ generated }, changes) => {
        const bytes = Buffer.from(generated);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        readsLikeGenerated(pair, bytes);
      }),
      { numRuns: 500 },
    );
  });

  test(`FRM-06 ${pair.name}: random bytes are refused or read as the generated codec reads them`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        readsLikeGenerated(pair, bytes);
      }),
      { numRuns: 500 },
    );
  });
}
