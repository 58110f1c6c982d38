// The power goes at any write or sync: what was acknowledged is there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { unreachable } from '#invariant.ts';
import { seededRandom } from '#io/random.ts';
import type { LogAppend, RecoveredLog } from '#log/durable-log.ts';
import type { Entry } from '#raft/entry.ts';
import type { HardState } from '#raft/hard-state.ts';
import { logIndex } from '#raft/log-index.ts';
import { term } from '#raft/term.ts';
import { appendOf, entryAt, hardStateOf, plain } from './log-fixtures.ts';
import { PowerCut, SimulatedDisk } from './simulated-disk.ts';
import { contentOf, openOn, type SimulatedLog } from './simulated-log.ts';

/** What the log must hold, kept the simple way: as a list. */
interface Model {
  readonly hardState: HardState;
  /** The log is empty behind this entry, as far as snapshots say. */
  readonly base: { readonly index: number; readonly term: number };
  readonly entries: readonly Entry[];
  /** Entries up to here may be gone. */
  readonly trimmable: number;
}

const emptyModel: Model = {
  hardState: hardStateOf(0),
  base: { index: 0, term: 0 },
  entries: [],
  trimmable: 0,
};

const lastOf = (model: Model): number => model.entries.at(-1)?.index ?? model.base.index;

const appended = (model: Model, append: LogAppend): Model => {
  let { base, entries } = model;
  if (append.snapshot !== undefined) {
    base = append.snapshot;
    entries = [];
  }
  const { truncateFrom } = append;
  if (truncateFrom !== undefined) {
    entries = entries.filter((entry) => entry.index < truncateFrom);
  }
  return {
    ...model,
    base,
    entries: [...entries, ...append.entries],
    hardState: append.hardState ?? model.hardState,
  };
};

/** Whether a recovered log is what the model says. */
const matches = (
  model: Model,
  { state, log }: SimulatedLog,
  content: readonly Entry[],
): boolean => {
  const { recovered } = log;
  const { trimmedIndex, trimmedTerm } = recovered;
  if (trimmedIndex < model.base.index || trimmedIndex > Math.max(model.trimmable, model.base.index))
    return false;
  const termAtBeginning =
    model.entries.find((entry) => entry.index === trimmedIndex)?.term ?? model.base.term;
  const expected = model.entries.filter((entry) => entry.index > trimmedIndex);
  const configurations = expected.filter((entry) => entry.kind === 'configuration');
  return (
    trimmedTerm === termAtBeginning &&
    recovered.lastIndex === lastOf(model) &&
    same(recovered.hardState, model.hardState) &&
    same(plain(content), plain(expected)) &&
    same(plain(recovered.recentEntries), plain(expected)) &&
    same(plain(recovered.configurationEntries), plain(configurations)) &&
    termsFit(recovered, expected) &&
    state.terms.lastIndex === lastOf(model)
  );
};

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const termsFit = (recovered: RecoveredLog, entries: readonly Entry[]): boolean => {
  const starts = entries.filter((entry, at) => entry.term !== entries[at - 1]?.term);
  return same(
    recovered.terms,
    starts.map((entry) => ({ from: entry.index, term: entry.term })),
  );
};

type Step =
  | {
      readonly kind: 'append';
      readonly count: number;
      readonly bytes: number;
      readonly up: boolean;
    }
  | { readonly kind: 'truncate'; readonly back: number; readonly count: number }
  | { readonly kind: 'commit'; readonly back: number }
  | { readonly kind: 'vote'; readonly name: string }
  | { readonly kind: 'snapshot'; readonly ahead: number }
  | { readonly kind: 'trim'; readonly back: number }
  | { readonly kind: 'prepare' }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'crash' }
  | { readonly kind: 'cut'; readonly after: number; readonly seed: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 5 }),
      bytes: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 4000 })),
      up: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('truncate' as const),
      back: fc.integer({ min: 0, max: 8 }),
      count: fc.integer({ min: 0, max: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('commit' as const), back: fc.nat(6) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('vote' as const),
      name: fc.constantFrom('n1', 'n2', 'n3'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('snapshot' as const), ahead: fc.nat(20) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('trim' as const), back: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prepare' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      after: fc.nat(6),
      seed: fc.nat(1_000_000),
    }),
  },
);

/** The append that a step means for a log like the model, or undefined when it does not fit. */
const appendFrom = (item: Step, model: Model): LogAppend | undefined => {
  const { hardState } = model;
  const last = lastOf(model);
  switch (item.kind) {
    case 'append': {
      const entryTerm = hardState.term + (item.up ? 1 : 0);
      const entries = Array.from({ length: item.count }, (_, at) =>
        entryAt(
          last + 1 + at,
          entryTerm,
          Buffer.alloc(item.bytes, `${last}${entryTerm}`),
          item.bytes % 7 === 0 ? 'configuration' : 'command',
        ),
      );
      return appendOf({
        entries,
        hardState: item.up ? hardStateOf(entryTerm, hardState.commitIndex) : undefined,
      });
    }
    case 'truncate': {
      const from = last - item.back;
      const floor = Math.max(hardState.commitIndex, model.base.index, model.trimmable);
      if (from <= floor || from > last) return undefined;
      const entryTerm = hardState.term + 1;
      const entries = Array.from({ length: item.count }, (_, at) => entryAt(from + at, entryTerm));
      return appendOf({
        truncateFrom: logIndex(from),
        entries,
        hardState: hardStateOf(entryTerm, hardState.commitIndex),
      });
    }
    case 'commit': {
      const commit = Math.max(last - item.back, hardState.commitIndex);
      return appendOf({ hardState: hardStateOf(hardState.term, commit, hardState.votedFor) });
    }
    case 'vote':
      return appendOf({
        hardState: hardStateOf(hardState.term + 1, hardState.commitIndex, item.name),
      });
    case 'snapshot': {
      const index = Math.max(last - 3 + item.ahead, hardState.commitIndex, model.trimmable);
      const snapshotTerm = hardState.term + 1;
      return appendOf({
        snapshot: { index: logIndex(index), term: term(snapshotTerm) },
        hardState: hardStateOf(snapshotTerm, index),
      });
    }
    case 'trim':
    case 'prepare':
    case 'reopen':
    case 'crash':
    case 'cut':
      return undefined;
    default:
      return unreachable(item);
  }
};

/** Runs the steps and checks every start; gives the number of operations of a run without a cut. */
const run = (steps: readonly Step[]): number => {
  let disk = new SimulatedDisk();
  let opened = openOn(disk);
  let model = emptyModel;
  /** What may be there too: an append that was not acknowledged. */
  let attempted: Model | undefined;

  const reopen = (next: SimulatedDisk): void => {
    disk = next;
    opened = openOn(disk);
    const content = contentOf(opened);
    if (attempted !== undefined && matches(attempted, opened, content)) model = attempted;
    else
      assert.ok(
        matches(model, opened, content),
        'the log is the acknowledged one or one append on',
      );
    attempted = undefined;
  };

  const perform = (item: Step): void => {
    if (item.kind === 'trim') {
      const asked = Math.max(model.hardState.commitIndex - item.back, 0);
      model = { ...model, trimmable: Math.max(model.trimmable, asked) };
      opened.log.trim(logIndex(asked));
      return;
    }
    if (item.kind === 'prepare') {
      opened.log.prepare();
      return;
    }
    const append = appendFrom(item, model);
    if (append === undefined) return;
    attempted = appended(model, append);
    opened.append(append);
    model = attempted;
    attempted = undefined;
  };

  const runOne = (item: Step): void => {
    if (item.kind === 'reopen') {
      opened.log.close();
      reopen(disk);
    } else if (item.kind === 'crash') {
      const { operationsLeft } = disk;
      const next = disk.crash();
      next.operationsLeft = operationsLeft;
      reopen(next);
    } else {
      perform(item);
    }
  };

  let cutSeed = 1;
  for (const item of steps) {
    if (item.kind === 'cut') {
      // The power goes in the middle of what comes next, a start included.
      disk.operationsLeft ??= item.after;
      cutSeed = item.seed;
      continue;
    }
    try {
      runOne(item);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      reopen(disk.cutPower(seededRandom(cutSeed)));
    }
  }
  const { operations } = disk;
  disk.operationsLeft = undefined;
  reopen(disk.cutPower(seededRandom(cutSeed)));
  return operations;
};

test('after any cut of power all that was acknowledged is there and nothing that was not appended', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      run(steps);
    }),
    { numRuns: 400 },
  );
});

test('a cut of power at each operation of rotating, trimming, reusing and snapshots loses nothing', () => {
  const fill: Step[] = Array.from({ length: 9 }, () => ({
    kind: 'append',
    count: 2,
    bytes: 300,
    up: false,
  }));
  const script: Step[] = [
    ...fill,
    { kind: 'commit', back: 0 },
    { kind: 'trim', back: 0 },
    ...fill,
    { kind: 'prepare' },
    { kind: 'truncate', back: 3, count: 2 },
    { kind: 'append', count: 1, bytes: 5000, up: true },
    { kind: 'snapshot', ahead: 10 },
    ...fill,
    { kind: 'reopen' },
  ];
  const operations = run(script);
  assert.ok(operations > 100, `the script has ${operations} operations`);
  for (let after = 0; after < operations; after++) {
    for (let round = 0; round < 5; round++) {
      run([{ kind: 'cut', after, seed: after * 5 + round }, ...script]);
    }
  }
});
