// Bodies to statements: what is bound as what, and everything that is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Statement } from '#command/command.ts';
import type { Value } from '#command/value.ts';
import {
  type Statements,
  statementsFromJson,
  statementsFromTextBody,
} from '#http/statements-from-body.ts';

const read = (body: string | Buffer): Statements => {
  const result = statementsFromJson(Buffer.from(body));
  if ('fault' in result) return assert.fail(result.fault);
  return result;
};

const faultOf = (body: string | Buffer): string => {
  const result = statementsFromJson(Buffer.from(body));
  return 'fault' in result ? result.fault : assert.fail(`accepted: ${String(body).slice(0, 80)}`);
};

const only = (body: string): Statement => {
  const [statement] = read(body).statements;
  return statement ?? assert.fail('no statement');
};

const bound = (json: string): Value => {
  const [value] = only(`[["?",${json}]]`).positional;
  return value === undefined ? assert.fail('nothing bound') : value;
};

test('texts and parameters may be mixed, and each distinct text is kept once', () => {
  const { texts, statements } = read('["A",["B",1],["A",2,"x"],["B",null],"A"]');
  assert.deepEqual(texts, ['A', 'B']);
  assert.deepEqual(
    statements.map((statement) => statement.text),
    [0, 1, 0, 1, 0],
  );
  assert.deepEqual(statements[2]?.positional, [2n, 'x']);
});

test('positional and named parameters may stand side by side', () => {
  const { positional, named, places } = only('[["?",1,{"a":2,"b":null},3,{"c":true}]]');
  assert.deepEqual(positional, [1n, 3n]);
  assert.deepEqual(places, [1, 4], 'names in front of a value count');
  assert.deepEqual(named, [
    ['a', 2n],
    ['b', null],
    ['c', true],
  ]);
});

test('values without a name in front of them have no places of their own', () => {
  for (const body of ['[["?",1,2]]', '[["?",1,{"a":2}]]', '[["?",{},1]]', '[["?",{"a":2}]]']) {
    assert.equal(only(body).places, undefined, body);
  }
  assert.deepEqual(only('[["?",{"a":2},1]]').places, [2]);
});

test('BIG-04 a number written as an integer of 64 bits is that INTEGER, any other is REAL', () => {
  const cases: readonly (readonly [string, Value])[] = [
    ['0', 0n],
    ['-0', 0n],
    ['1', 1n],
    ['1.0', 1],
    ['1.50', 1.5],
    ['1e3', 1000],
    ['1E3', 1000],
    ['1.5e1', 15],
    ['10.0', 10],
    ['9007199254740992', 9007199254740992n],
    ['9007199254740993', 9007199254740993n],
    ['9223372036854775807', 9223372036854775807n],
    ['-9223372036854775808', -9223372036854775808n],
    ['9223372036854775808', 2 ** 63],
    ['1e-999', 0],
    ['0.1234567890123456789', Number('0.1234567890123456789')],
    ['-2.0', -2],
  ];
  for (const [json, value] of cases) assert.equal(bound(json), value, json);
});

test('numbers are the same beside a neighbour that needs exactness and without one', () => {
  const scalar = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => [String(value), value]),
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((value) => !Number.isInteger(value))
      .map((value) => [String(value), value]),
    fc.integer().map((value) => [`${value}.0`, value]),
    fc.integer().map((value) => [` ${value}`, BigInt(value)]),
  );
  fc.assert(
    fc.property(scalar, fc.boolean(), ([json, value], beside) => {
      const extra = beside ? ',9007199254740993' : '';
      const [first] = only(`[["?",${String(json)}${extra}]]`).positional;
      assert.equal(first, value);
    }),
  );
});

test('null, booleans and texts are bound as they are', () => {
  assert.equal(bound('null'), null);
  assert.equal(bound('true'), true);
  assert.equal(bound('"x"'), 'x');
  assert.equal(bound('"\\u0000"'), '\0');
});

test('texts of the form X’hex’ and arrays of bytes are BLOBs', () => {
  for (const json of ['"X\'0aFF\'"', '"x\'0aff\'"', '" x\'0aff\' "', '[10,255]']) {
    assert.deepEqual(bound(json), Buffer.from([10, 255]), json);
  }
  assert.deepEqual(bound('"x\'\'"'), Buffer.alloc(0));
  assert.deepEqual(bound('[]'), Buffer.alloc(0));
  for (const json of ['"X\'0\'"', '"X\'0g\'"', '"xX\'00\'"', '"X\'00"', '"it\'s\'"']) {
    assert.equal(typeof bound(json), 'string', json);
  }
});

test('bodies that are no requests are refused in rqlite’s words', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['', 'invalid JSON body'],
    ['[', 'invalid JSON body'],
    ['["a",]', 'invalid JSON body'],
    ["['a']", 'invalid JSON body'],
    ['["a"] trailing', 'invalid JSON body'],
    ['\ufeff["a"]', 'invalid JSON body'],
    ['[["?",NaN]]', 'invalid JSON body'],
    ['[["?",01]]', 'invalid JSON body'],
    ['[]', 'no statements'],
    ['{}', 'invalid request'],
    ['null', 'invalid request'],
    ['[1]', 'invalid request'],
    ['[null]', 'invalid request'],
    ['[{}]', 'invalid request'],
    ['[[]]', 'invalid request'],
    ['[[1]]', 'invalid request'],
    ['[[["a"]]]', 'invalid request'],
    ['[["?",[256]]]', 'unsupported type 256'],
    ['[["?",[1.5]]]', 'unsupported type 1.5'],
    ['[["?",["a"]]]', 'unsupported type string'],
    ['[["?",[[1]]]]', 'unsupported type []interface {}'],
    ['[["?",[null]]]', 'unsupported type <nil>'],
    ['[["?",[true]]]', 'unsupported type bool'],
    ['[["?",{"a":{"b":1}}]]', 'unsupported type map[string]interface {}'],
    ['[["?",1e999]]', 'invalid number 1e999'],
    ['[["?",-1e999]]', 'invalid number -1e999'],
  ];
  for (const [body, fault] of cases) assert.equal(faultOf(body), fault, body);
  assert.match(faultOf(`[["?",${'9'.repeat(400)}]]`), /^invalid number 999/);
});

test('BIG-04 bytes that are not UTF-8 are refused, not replaced', () => {
  const body = Buffer.concat([Buffer.from('["'), Buffer.from([0xff]), Buffer.from('"]')]);
  assert.equal(faultOf(body), 'the body is not UTF-8');
  assert.deepEqual(statementsFromTextBody(Buffer.from([0x61, 0xff])), {
    fault: 'the body is not UTF-8',
  });
});

test('BIG-04 a named parameter given twice is refused, within an object and across two', () => {
  assert.match(faultOf('[["?",{"a":1,"a":2}]]'), /the key "a" is given twice/);
  assert.match(faultOf('[["?",{"a":1},{"a":2}]]'), /the parameter "a" is given twice/);
  assert.deepEqual(only('[["?",{"a":1}],["?",{"a":2}]]').named, [['a', 1n]]);
});

test('BIG-02 nesting without end is refused, with and without large numbers', () => {
  const deep = (inner: string): string => `${'['.repeat(100_000)}${inner}${']'.repeat(100_000)}`;
  assert.equal(faultOf(deep('')), 'invalid request');
  assert.match(faultOf(deep('12345678901234567')), /invalid/);
  assert.match(faultOf(`[["?",${deep('')}]]`), /unsupported type/);
});

test('BIG-03 counts of statements and parameters are bounded', () => {
  const many = (count: number, item: string): string => Array(count).fill(item).join(',');
  assert.equal(read(`[${many(10_000, '"a"')}]`).statements.length, 10_000);
  assert.equal(faultOf(`[${many(10_001, '"a"')}]`), 'more than 10000 statements');
  assert.equal(faultOf(`[["a",${many(32_767, '1')}]]`), 'more than 32766 parameters');
  const keys = Array.from({ length: 100_000 }, (_none, at) => `"k${at}":1`).join(',');
  assert.equal(faultOf(`[["a",{${keys}}]]`), 'more than 32766 parameters');
});

test('PP-03 names that mean something to JavaScript are names of parameters', () => {
  const { named } = only('[["?",{"__proto__":1,"constructor":2,"toString":3}]]');
  assert.deepEqual(named, [
    ['__proto__', 1n],
    ['constructor', 2n],
    ['toString', 3n],
  ]);
  assert.match(faultOf('[["?",{"\\u005f_proto__":{"x":1}}]]'), /unsupported type/);
  assert.equal(Object.hasOwn(Object.prototype, 'x'), false);
});

test('empty statements leave no trace, also with parameters', () => {
  assert.deepEqual(read('["",["",1]]'), { texts: [], statements: [] });
  assert.deepEqual(statementsFromTextBody(Buffer.alloc(0)), { texts: [], statements: [] });
});

test('a text body is one statement, whatever it looks like', () => {
  assert.deepEqual(statementsFromTextBody(Buffer.from('["SELECT 1"]')), {
    texts: ['["SELECT 1"]'],
    statements: [{ text: 0, positional: [], named: [] }],
  });
});

test('a BLOB is an array of numbers that are written as integers', () => {
  for (const bytes of ['[1.0]', '[1, 1e1]', '[256]', '[-1]', '[null]', '[[1]]']) {
    assert.match(faultOf(`[["SELECT ?", ${bytes}]]`), /^unsupported type/, bytes);
  }
  const { positional } = only('[["SELECT ?, ?", [0, 255], []]]');
  assert.deepEqual(positional, [Buffer.from([0, 255]), Buffer.alloc(0)]);
});
