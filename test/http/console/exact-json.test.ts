// Numbers keep every digit on their way into the console's tables.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NumberText, parseExactJson } from '#http/console/exact-json.js';

const textsOf = (json: string): readonly string[] =>
  (parseExactJson(json) as unknown[]).map(String);

test('64-bit integers, the ends of their range included, keep all digits', () => {
  const numbers = ['9223372036854775807', '-9223372036854775808', '9007199254740993'];
  assert.deepEqual(textsOf(`[${numbers.join(',')}]`), numbers);
});

test('a REAL is shown as it was written: 1.0 is not 1, 1e2 is not 100, -0.0 keeps its sign', () => {
  const numbers = ['1.0', '1e2', '-0.0', '0.1', '1e-400', '123456789.123456789'];
  assert.deepEqual(textsOf(`[${numbers.join(',')}]`), numbers);
});

test('numbers that JavaScript writes alike stay numbers, so that they can be counted with', () => {
  const [small, large] = parseExactJson('[42, 9007199254740993]') as readonly unknown[];
  assert.equal(small, 42);
  assert.ok(large instanceof NumberText);
});

test('any integer of 64 bits comes out as it went in', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      assert.equal(String(parseExactJson(String(value))), String(value));
    }),
  );
});

test('texts that look like numbers stay texts, and what is no JSON is an error', () => {
  assert.deepEqual(parseExactJson('{"a":"9007199254740993","b":[null,true]}'), {
    a: '9007199254740993',
    b: [null, true],
  });
  assert.throws(() => parseExactJson('[1'), SyntaxError);
});
