// The strict JSON parser: the same values as JSON.parse, and less that passes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type JsonNode, parseStrictJson } from '#auth/strict-json.ts';

const depthMax = 100;

const plain = (node: JsonNode): unknown => {
  switch (node.kind) {
    case 'object':
      return Object.fromEntries([...node.members].map(([key, value]) => [key, plain(value)]));
    case 'array':
      return node.items.map(plain);
    case 'number':
      return Number(node.source);
    case 'string':
    case 'literal':
      return node.value;
  }
};

const faultOf = (text: string, depth = depthMax): string => {
  const parsed = parseStrictJson(text, depth);
  return parsed.kind === 'fault' ? `${parsed.line}: ${parsed.reason}` : '';
};

test('what JSON.stringify writes comes back as JSON.parse has it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 2), (value, space) => {
      const text = JSON.stringify(value, undefined, space);
      const parsed = parseStrictJson(text, depthMax);
      assert.equal(parsed.kind, 'value');
      if (parsed.kind === 'value') assert.deepEqual(plain(parsed.value), JSON.parse(text));
    }),
  );
});

test('text that JSON.parse refuses is refused', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'[]{},:"\\ 01.e-+nutrlfas'.split('')) }),
      (text) => {
        const refused = ((): boolean => {
          try {
            JSON.parse(text);
            return false;
          } catch {
            return true;
          }
        })();
        if (refused) assert.notEqual(faultOf(text), '', text);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a key given twice is a fault with its line, also when one is escaped', () => {
  assert.equal(faultOf('{"a":1,\n"\\u0061":2}'), '2: the key "a" is given twice');
  assert.equal(faultOf('[{"a":{"b":1}},{"a":{"b":2}}]'), '');
});

test('BIG-02 nesting stops at the bound before the stack does', () => {
  assert.equal(faultOf('['.repeat(100_000), 64), '1: nested deeper than 64');
  assert.equal(faultOf('[[]]', 1), '1: nested deeper than 1');
  assert.equal(faultOf('[[]]', 2), '');
});

test('PP-01 a key called __proto__ is a key like any other', () => {
  const parsed = parseStrictJson('{"__proto__":{"polluted":true}}', depthMax);
  assert.ok(parsed.kind === 'value' && parsed.value.kind === 'object');
  assert.deepEqual([...parsed.value.members.keys()], ['__proto__']);
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
});
