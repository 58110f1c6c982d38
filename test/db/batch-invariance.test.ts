// The same log with any boundaries and restarts gives the same database.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { renderBits } from '#command/outcome.ts';
import type { CommittedEntry, Writer } from '#db/writer.ts';
import type { Clock } from '#io/clock.ts';
import { commandEntry, temporaryFolder, type Written, writerIn } from './support.ts';

// Statements that end, fail or survive the transaction around them, and such that would show it.
const plainTable = 'CREATE TABLE plain(a, b, at DEFAULT CURRENT_TIMESTAMP, n DEFAULT (random()))';

const schema: readonly Written[] = [
  'CREATE TABLE p(id INTEGER PRIMARY KEY, u UNIQUE)',
  'CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)',
  'CREATE TABLE r(id INTEGER PRIMARY KEY, u UNIQUE ON CONFLICT ROLLBACK)',
  "CREATE TRIGGER tr BEFORE INSERT ON plain WHEN new.a = 7 BEGIN SELECT RAISE(ROLLBACK, 'seven'); END",
];

const statements: readonly Written[] = [
  'INSERT INTO plain(a) VALUES(1), (2)',
  'INSERT INTO plain(a) VALUES(7)',
  'INSERT INTO plain(a, b) VALUES(last_insert_rowid(), changes())',
  'INSERT INTO plain(a, b) SELECT random(), hex(randomblob(3)) FROM plain LIMIT 3',
  'INSERT INTO p(u) VALUES(1)',
  'INSERT INTO p(u) VALUES(2) RETURNING id',
  'INSERT OR FAIL INTO p(u) VALUES(3), (1), (4)',
  'INSERT INTO c(p) VALUES(1)',
  'INSERT INTO c(p) VALUES(99)',
  'DELETE FROM p WHERE id % 2 = 0',
  'INSERT INTO r(u) VALUES(1)',
  'INSERT INTO r(u) VALUES(2); INSERT INTO r(u) VALUES(1); INSERT INTO r(u) VALUES(3)',
  'UPDATE plain SET b = b + 1 WHERE a = 1',
  'DELETE FROM plain WHERE rowid % 3 = 0',
  'CREATE TABLE IF NOT EXISTS extra(x)',
  'INSERT INTO extra VALUES(julianday())',
  'DROP TABLE IF EXISTS extra',
  'SELECT nothing FROM nowhere',
  'ANALYZE',
  'INSERT INTO p(id) VALUES(9223372036854775807)',
  'INSERT INTO p(id) VALUES(9223372032559808511)',
];

interface DrawnCommand {
  readonly statements: readonly number[];
  readonly transaction: boolean;
  readonly key: string | undefined;
}

const command: fc.Arbitrary<DrawnCommand> = fc.record({
  statements: fc.array(fc.nat(statements.length - 1), { minLength: 1, maxLength: 4 }),
  transaction: fc.boolean(),
  // Two keys for up to twelve commands: some repeat one, some take one for something else.
  key: fc.option(fc.constantFrom('k1', 'k2'), { nil: undefined }),
});

/** The content, rowids included, and everything the state machine keeps. */
const contentOf = (folder: string): string => {
  const database = new Database(join(folder, 'db', '00000001', 'state.sqlite'), { readonly: true });
  try {
    const tables = database
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .raw()
      .all() as [string, string][];
    return JSON.stringify(
      tables.map(([name, sql]) => {
        const where = name === '_stockade_values' ? "WHERE name <> 'epoch'" : '';
        const rowid = sql.includes('WITHOUT ROWID') ? '' : 'rowid,';
        const rows = database
          .prepare(`SELECT ${rowid} * FROM ${name} ${where}`)
          .raw()
          .safeIntegers();
        return [name, sql, rows.all()];
      }),
      (_key, value: unknown) =>
        typeof value === 'bigint' ? `${value}n` : value instanceof Uint8Array ? [...value] : value,
    );
  } finally {
    database.close();
  }
};

class Killed extends Error {}

/** A clock that stops the process, as it were, when it is read for the nth time. */
const killingClock = (reads: number): Clock => {
  let left = reads;
  const monotonicMs = (): number => {
    left -= 1;
    if (left === 0) throw new Killed();
    return 1;
  };
  return { monotonicMs, wallMs: () => 0 };
};

/** How a log is applied: where batches end, after which of them is a restart, when it is killed. */
interface Course {
  readonly cuts: ReadonlyMap<number, boolean>;
  readonly kills: readonly number[];
}

/** Applies the entries to a new database and gives its content. */
const applied = (t: TestContext, entries: readonly CommittedEntry[], course: Course): string => {
  const folder = temporaryFolder(t);
  const kills = [...course.kills];
  const open = (): Writer =>
    writerIn(t, folder, { foreignKeys: true, clock: killingClock(kills.shift() ?? 0) });
  let writer = open();
  const applySurely = (batch: readonly CommittedEntry[]): void => {
    try {
      writer.apply(batch.filter(({ index }) => index > writer.state.appliedIndex));
    } catch (thrown) {
      if (!(thrown instanceof Killed)) throw thrown;
      writer.close();
      writer = open();
      applySurely(batch);
    }
  };
  let batch: CommittedEntry[] = [];
  for (const entry of entries) {
    batch.push(entry);
    const restart = course.cuts.get(entry.index);
    if (restart === undefined && entry !== entries.at(-1)) continue;
    applySurely(batch);
    batch = [];
    if (restart !== true) continue;
    writer.close();
    writer = open();
  }
  writer.close();
  return contentOf(folder);
};

const { wanted, timings } = renderBits;

/** Schema indexes as a leader would have judged: whatever the last applied entry left. */
const entriesOf = (
  t: TestContext,
  tables: readonly Written[],
  commands: readonly DrawnCommand[],
): readonly CommittedEntry[] => {
  const writer = writerIn(t, temporaryFolder(t), { foreignKeys: true });
  const drawn = [
    { written: tables, transaction: false, key: undefined },
    ...commands.map(({ statements: numbers, transaction, key }) => ({
      written: numbers.map((at) => statements[at] ?? ''),
      transaction,
      key,
    })),
  ];
  const entries = drawn.map(({ written, transaction, key }, at) => {
    const { schemaIndex } = writer.state;
    const render = at % 2 === 0 ? wanted | timings : 0;
    const entry = commandEntry(at + 1, written, { schemaIndex, transaction, render, key });
    writer.apply([entry]);
    return entry;
  });
  writer.close();
  return entries;
};

test('the same log gives the same content, rowids and outcome chain, whatever the batches, restarts and kills', (t) => {
  fc.assert(
    fc.property(
      // Without the tables that end transactions everything else shares one.
      fc.oneof(fc.constant(schema), fc.constant(schema.slice(0, 1)), fc.subarray([...schema])),
      fc.array(command, { minLength: 2, maxLength: 12 }),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 13 }), fc.boolean()), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 3 }),
      (tables, commands, cuts, kills) => {
        const entries = entriesOf(t, [plainTable, ...tables], commands);
        const alone = new Map(entries.map(({ index }) => [index, false]));
        assert.equal(
          applied(t, entries, { cuts: new Map(cuts), kills }),
          applied(t, entries, { cuts: alone, kills: [] }),
        );
      },
    ),
    { numRuns: 60 },
  );
});
