// The strict reader: every other form is refused, any bytes are survived, and what the writer
// writes comes back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bitsOf,
  booleanOf,
  DerError,
  derFrom,
  hexIntegerOf,
  objectIdentifierOf,
  smallIntegerOf,
  timeOf,
} from '#certs-tool/der-reader.ts';
import { derOf, objectIdentifier, sequence, smallInteger, time } from '#certs-tool/der-writer.ts';

const hex = (text: string) => derFrom(Buffer.from(text.replaceAll(' ', ''), 'hex'));

test('what is not the one canonical encoding is refused', () => {
  for (const [why, read] of [
    ['indefinite length', () => hex('30 80 00 00')],
    ['length in more bytes than needed', () => hex('04 81 01 00')],
    ['leading zero in a length', () => hex(`04 82 00 80 ${'00'.repeat(128)}`)],
    ['length of five bytes', () => hex('04 85 01 00 00 00 00')],
    ['content that is cut off', () => hex('04 05 00')],
    ['length that is cut off', () => hex('04 82 01')],
    ['bytes after the end', () => hex('04 00 00')],
    ['nothing', () => hex('')],
    ['tag of several bytes', () => hex('1f 81 01 00')],
    ['part longer than the whole', () => hex('30 03 04 05 00')],
    ['nesting without end', () => derFrom(nested(40))],
    ['integer with a needless zero', () => smallIntegerOf(hex('02 02 00 01'))],
    ['negative integer', () => smallIntegerOf(hex('02 01 80'))],
    ['empty integer', () => smallIntegerOf(hex('02 00'))],
    ['integer beyond six bytes', () => smallIntegerOf(hex('02 07 01 00 00 00 00 00 00'))],
    ['boolean of 1', () => booleanOf(hex('01 01 01'))],
    ['boolean of two bytes', () => booleanOf(hex('01 02 ff ff'))],
    ['identifier that is cut off', () => objectIdentifierOf(hex('06 02 2a 86'))],
    ['identifier with padding', () => objectIdentifierOf(hex('06 03 2a 80 01'))],
    ['identifier beyond 32 bits', () => objectIdentifierOf(hex('06 06 2a ff ff ff ff 7f'))],
    ['empty identifier', () => objectIdentifierOf(hex('06 00'))],
    ['eight unused bits', () => bitsOf(hex('03 02 08 00'))],
    ['unused bits of nothing', () => bitsOf(hex('03 01 01'))],
    [
      'thirteenth month',
      () => timeOf(hex(`17 0d ${Buffer.from('261301000000Z').toString('hex')}`)),
    ],
    [
      'time without seconds',
      () => timeOf(hex(`17 0b ${Buffer.from('2601010000Z').toString('hex')}`)),
    ],
    [
      'time as a string',
      () => timeOf(hex(`0c 0f ${Buffer.from('20260101000000Z').toString('hex')}`)),
    ],
    ['another type', () => smallIntegerOf(hex('04 01 01'))],
  ] as const) {
    assert.throws(read, DerError, why);
  }
});

const nested = (depth: number): Buffer => {
  let bytes = Buffer.alloc(0);
  for (let level = 0; level < depth; level++) {
    bytes = Buffer.concat([Uint8Array.of(0x30, bytes.length), bytes]);
  }
  return bytes;
};

test('bytes of any kind are read or refused, never anything else', () => {
  const read = (bytes: Uint8Array): void => {
    try {
      const node = derFrom(Buffer.from(bytes));
      assert.equal(node.bytes.length, bytes.length);
      timeOf(node);
    } catch (error) {
      assert.ok(error instanceof DerError);
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), read), { numRuns: 2000 });
});

test('identifiers, numbers and times survive writing and reading', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 0x7fff_ffff }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 0, max: 2 ** 47 - 1 }),
      fc.date({
        min: new Date('1970-01-01T00:00:00Z'),
        max: new Date('2100-01-01T00:00:00Z'),
        noInvalidDate: true,
      }),
      (arcs, number, date) => {
        const oid = ['2.5', ...arcs].join('.');
        const written = sequence(objectIdentifier(oid), smallInteger(number), time(date));
        const [one, two, three] = derFrom(derOf(written)).children;
        assert.equal(objectIdentifierOf(one), oid);
        assert.equal(smallIntegerOf(two), number);
        assert.equal(BigInt(`0x${hexIntegerOf(two)}`), BigInt(number));
        assert.equal(timeOf(three).getTime(), Math.floor(date.getTime() / 1000) * 1000);
      },
    ),
    { numRuns: 300 },
  );
});
