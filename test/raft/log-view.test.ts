// The log view against the plainest model of it: a list of entries, all in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantError } from '#invariant.ts';
import type { Entry } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import { createLogView, entryBytes, type LogView } from '#raft/log-view.ts';
import { term } from '#raft/term.ts';
import { entriesOf } from './lone-node.ts';
import { createRandom } from './random.ts';

interface Model {
  trimmedIndex: number;
  trimmedTerm: number;
  entries: Entry[];
}

const empty = (cachedBytesMax: number): LogView =>
  createLogView({
    trimmedIndex: logIndex(0),
    trimmedTerm: term(0),
    terms: [],
    lastIndex: logIndex(0),
    recentEntries: [],
    cachedBytesMax,
  });

const lastOf = ({ trimmedIndex, entries }: Model): number => trimmedIndex + entries.length;

const termIn = (model: Model, index: number): number | undefined =>
  index === model.trimmedIndex
    ? model.trimmedTerm
    : model.entries[index - model.trimmedIndex - 1]?.term;

const compare = (view: LogView, model: Model): void => {
  const last = lastOf(model);
  assert.equal(view.lastIndex, last);
  assert.equal(view.lastTerm, termIn(model, last));
  for (let index = Math.max(0, model.trimmedIndex - 2); index <= last + 2; index += 1) {
    assert.equal(view.termAt(logIndex(index)), termIn(model, index), `term at ${index}`);
    for (const limit of [0, 1, 3, 9]) {
      let expected: number | undefined = Math.min(index, last);
      while (expected >= model.trimmedIndex && (termIn(model, expected) ?? 0) > limit)
        expected -= 1;
      if (expected < model.trimmedIndex) expected = undefined;
      assert.equal(view.lastAtMost(logIndex(index), term(limit)), expected, `${index} at ${limit}`);
    }
    const slice = view.slice(logIndex(index), logIndex(last), 300);
    if (slice !== undefined) {
      const from = index - model.trimmedIndex - 1;
      assert.deepEqual(slice, model.entries.slice(from, from + slice.length));
      assert.ok(slice.length > 0);
    }
  }
};

test('after any history the view has the terms and, in memory, the entries of a plain list', () => {
  for (let seed = 1; seed <= 150; seed += 1) {
    const random = createRandom(seed);
    const view = empty(random.pick([0, 200, 1000]));
    const model: Model = { trimmedIndex: 0, trimmedTerm: 0, entries: [] };
    let inTerm = 1;
    for (let count = 0; count < 40; count += 1) {
      const last = lastOf(model);
      const action = random.below(10);
      if (action < 6) {
        inTerm += random.chance(0.3) ? 1 : 0;
        const entries = entriesOf(last + 1, ...new Array<number>(1 + random.below(4)).fill(inTerm));
        view.append(entries);
        model.entries.push(...entries);
      } else if (action === 6 && model.entries.length > 0) {
        const kept = random.below(model.entries.length);
        view.truncateFrom(logIndex(model.trimmedIndex + kept + 1));
        model.entries.length = kept;
      } else if (action === 7) {
        const index = model.trimmedIndex + random.below(model.entries.length + 1);
        const trimmedTerm = termIn(model, index) ?? 0;
        view.trimThrough(logIndex(index));
        model.entries.splice(0, index - model.trimmedIndex);
        Object.assign(model, { trimmedIndex: index, trimmedTerm });
      } else if (action === 8) {
        view.evict(logIndex(last));
      } else if (random.chance(0.2)) {
        view.restartBehind(logIndex(last + 5), term(inTerm));
        Object.assign(model, { trimmedIndex: last + 5, trimmedTerm: inTerm, entries: [] });
      }
      compare(view, model);
    }
  }
});

test('eviction keeps the bound, the newest entries, and everything behind the limit', () => {
  const view = empty(200);
  const entries = entriesOf(1, ...new Array<number>(10).fill(1));
  view.append(entries);
  view.evict(logIndex(4));
  assert.equal(view.slice(logIndex(4), logIndex(10), 1), undefined);
  assert.equal(view.slice(logIndex(5), logIndex(10), 10_000)?.length, 6);
  view.evict(logIndex(10));
  const kept = Math.floor(200 / entryBytes(entries[0] ?? assert.fail()));
  assert.equal(view.slice(logIndex(11 - kept), logIndex(10), 10_000)?.length, kept);
  assert.equal(view.slice(logIndex(10 - kept), logIndex(10), 10_000), undefined);
});

test('a long log is held as a few ranges and a bounded window', () => {
  const view = empty(2000);
  for (let index = 1; index <= 20_000; index += 1) {
    view.append(entriesOf(index, 1 + Math.floor(index / 5000)));
    view.evict(logIndex(index));
  }
  assert.equal(view.termAt(logIndex(4999)), 1);
  assert.equal(view.termAt(logIndex(5000)), 2);
  assert.equal(view.slice(logIndex(19_960), logIndex(20_000), 1), undefined);
  assert.equal(view.slice(logIndex(19_990), logIndex(20_000), 10_000)?.length, 11);
});

test('gaps, terms that go back and truncations outside the log stop the node', () => {
  for (const action of [
    (view: LogView) => view.append(entriesOf(3, 2)),
    (view: LogView) => view.append(entriesOf(2, 1)),
    (view: LogView) => view.truncateFrom(logIndex(2)),
    (view: LogView) => view.truncateFrom(logIndex(0)),
    (view: LogView) => view.trimThrough(logIndex(2)),
  ]) {
    const view = empty(1000);
    view.append(entriesOf(1, 2));
    assert.throws(() => action(view), InvariantError);
  }
});
