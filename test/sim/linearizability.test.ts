// The checker itself, on histories that are known to be good or bad.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLinearizable, type Operation } from './linearizability.ts';
import { type Input, modelFor } from './workload.ts';

type History = readonly Operation<Input, string>[];

/** `write 1 @ 1-4` took from 1 to 4; `@ 1-` never returned; `read 1 @ ...` was answered with 1. */
const operationFrom = (line: string): Operation<Input, string> => {
  const [, kind, value = '', from, to] = /^(\w+) (\S*) ?@ (\d+)-(\d*)$/.exec(line) ?? [];
  assert.ok(kind === 'read' || kind === 'write' || kind === 'append', line);
  const output = kind === 'read' ? value : '';
  const returned = to === '' || to === undefined ? undefined : { at: Number(to), output };
  return { input: { kind, value: kind === 'read' ? '' : value }, calledAt: Number(from), returned };
};

const judge = (...lines: readonly string[]): boolean => {
  const history: History = lines.map(operationFrom);
  return isLinearizable(modelFor(history), history);
};

test('an empty history is linearizable', () => {
  assert.ok(judge());
});

test('operations one after the other must answer as one copy would', () => {
  assert.ok(judge('write 1 @ 1-2', 'read 1 @ 3-4', 'write 2 @ 5-6', 'read 2 @ 7-8'));
  assert.ok(!judge('write 1 @ 1-2', 'write 2 @ 3-4', 'read 1 @ 5-6'));
});

test('a read beside a write may see it or not, but not both ways round', () => {
  assert.ok(judge('write 1 @ 1-10', 'read 1 @ 2-3', 'read 1 @ 4-5'));
  assert.ok(judge('write 1 @ 1-10', 'read  @ 2-3', 'read 1 @ 4-5'));
  assert.ok(!judge('write 1 @ 1-10', 'read 1 @ 2-3', 'read  @ 4-5'), 'a stale read');
});

test('a write that never returned may take effect late, or never', () => {
  assert.ok(judge('write 1 @ 1-', 'read  @ 2-3', 'read 1 @ 4-5'));
  assert.ok(judge('write 1 @ 1-', 'read  @ 2-3', 'read  @ 4-5'));
  assert.ok(!judge('write 1 @ 1-', 'read 1 @ 2-3', 'read  @ 4-5'));
  assert.ok(!judge('read 1 @ 1-2', 'write 1 @ 3-'), 'nobody reads what is not yet written');
});

test('an acknowledged write that is lost is found', () => {
  assert.ok(!judge('write 1 @ 1-2', 'read  @ 3-4'));
  assert.ok(!judge('append 1 @ 1-2', 'append 2 @ 3-4', 'read ,2 @ 5-6'));
});

test('a write that is applied twice is found', () => {
  assert.ok(!judge('append 1 @ 1-2', 'read ,1,1 @ 3-4'));
});

test('two reads must agree on the order of appends beside each other', () => {
  assert.ok(judge('append 1 @ 1-9', 'append 2 @ 1-9', 'read ,2,1 @ 10-11', 'read ,2,1 @ 12-13'));
  assert.ok(!judge('append 1 @ 1-9', 'append 2 @ 1-9', 'read ,1,2 @ 10-11', 'read ,2,1 @ 12-13'));
});

test('appends one after the other keep their order', () => {
  assert.ok(!judge('append 1 @ 1-2', 'append 2 @ 3-4', 'read ,2,1 @ 5-6'));
});

test('a write whose client heard nothing, but which took effect by a time, is not later', () => {
  const lost = { input: { kind: 'write', value: '1' }, calledAt: 1 } as const;
  const read = operationFrom('read  @ 8-9');
  const by = (at: number): History => [{ ...lost, returned: { at, output: undefined } }, read];
  assert.ok(isLinearizable(modelFor(by(10)), by(10)));
  assert.ok(!isLinearizable(modelFor(by(5)), by(5)));
});

test('a long history of appends beside each other is judged', () => {
  const appends = Array.from({ length: 30 }, (_, count) => `append ${count} @ ${count + 1}-90`);
  const order = appends.map((_, count) => `,${29 - count}`).join('');
  assert.ok(judge(...appends, `read ${order} @ 91-92`));
  assert.ok(!judge(...appends, `read ${order} @ 91-92`, `read ${order.slice(0, -2)} @ 93-94`));
});
