// Loads as the writer applies them: all or nothing, the same on every replica, whatever the batches
// and restarts, and never a piece of one in another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeCommand } from '#command/command-codec.ts';
import type { LoadStep } from '#command/load-step.ts';
import { openReader } from '#db/open-reader.ts';
import type { CommittedEntry, Writer } from '#db/writer.ts';
import {
  commandEntry,
  effects,
  entryTimeMs,
  executed,
  tableOf,
  temporaryFolder,
  writerIn,
} from '../support.ts';
import { applySteps, converted, fileOf, idOf, stepEntry, stepsOf } from './support.ts';

const done = '[]';

const hashOf = (folder: string) => {
  const reader = openReader({ dataFolder: folder, ...effects });
  try {
    return reader.contentHash();
  } finally {
    reader.close();
  }
};

const tables = (writer: Writer): string =>
  executed(
    writer,
    [
      "SELECT group_concat(name, ' ') FROM sqlite_schema WHERE tbl_name NOT LIKE '\\_%' ESCAPE '\\'",
    ],
    { render: 17 },
  );

const sample = `
  CREATE TABLE people(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, n REAL);
  INSERT INTO people(name, n) VALUES ('ada', 1.5), ('bob', 2);
  CREATE INDEX by_name ON people(lower(name));
  CREATE VIEW names AS SELECT name FROM people;
  CREATE TRIGGER t AFTER INSERT ON people BEGIN UPDATE people SET n = 0 WHERE id = new.id; END;
  CREATE VIRTUAL TABLE docs USING fts5(body);
  INSERT INTO docs VALUES ('the quick fox');
  CREATE TABLE blobs(b BLOB);
  INSERT INTO blobs VALUES (zeroblob(60000));
  PRAGMA user_version = 42;`;

test('a loaded file takes the place of the database, and later entries are applied to it', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder, { cluster: 'c1' });
  executed(writer, ['CREATE TABLE old(x)', 'INSERT INTO old VALUES (1)']);
  const bytes = converted(t, fileOf(t, sample));
  const steps = stepsOf(bytes, 'database');
  assert.ok(steps.length > 3);
  const end = steps.at(-1);
  assert.ok(end !== undefined);
  assert.equal(applySteps(writer, steps.slice(0, -1)), done);
  assert.match(tables(writer), /"old"/);
  const { appliedIndex, timeMs } = writer.state;
  const batch = writer.apply([
    stepEntry(appliedIndex + 1, end),
    commandEntry(appliedIndex + 2, ["INSERT INTO people(name) VALUES ('eve')"], {
      schemaIndex: appliedIndex + 1,
    }),
    // Judged under the old schema: refused, and nothing of it runs.
    commandEntry(appliedIndex + 3, ['INSERT INTO old VALUES (2)'], { schemaIndex: 1 }),
  ]);
  assert.equal(batch.replaced, true);
  assert.equal(batch.appliedIndex, appliedIndex + 3);
  assert.equal(batch.schemaIndex, appliedIndex + 1);
  assert.deepEqual(
    batch.outcomes.map(({ index }) => index - appliedIndex),
    [1, 2, 3],
  );
  assert.equal(writer.state.timeMs, timeMs);
  assert.equal(
    executed(writer, ['SELECT id, name, n FROM people ORDER BY id'], { render: 17 }),
    '[{"columns":["id","name","n"],"types":["integer","text","real"],"values":[[1,"ada",1.5],[2,"bob",2],[3,"eve",0]]}]',
  );
  assert.match(
    executed(
      writer,
      ["SELECT count(*) FROM docs WHERE docs MATCH 'quick'", 'PRAGMA user_version'],
      { render: 17 },
    ),
    /\[\[1\]\].*\[\[42\]\]/,
  );
  writer.removeLeftovers(false);
  const before = writer.state;
  writer.close();
  // It is of the same cluster, and stands where it stood.
  const again = writerIn(t, folder, { cluster: 'c1' });
  assert.deepEqual(again.state, before);
  assert.equal(again.durableIndex(), before.appliedIndex);
});

/** Applies entries in batches that end where `cut` says, with restarts where `restart` says. */
const applied = (
  t: Parameters<typeof writerIn>[0],
  entries: readonly CommittedEntry[],
  cut: (index: number) => boolean,
  restart: (index: number) => boolean,
) => {
  const folder = temporaryFolder(t);
  let writer = writerIn(t, folder);
  let batch: CommittedEntry[] = [];
  for (const entry of entries) {
    batch.push(entry);
    if (!cut(entry.index) && entry !== entries.at(-1)) continue;
    writer.apply(batch);
    batch = [];
    if (!restart(entry.index)) continue;
    writer.close();
    writer = writerIn(t, folder);
  }
  const { state } = writer;
  writer.close();
  const { digest, rows } = hashOf(folder);
  return { chain: Buffer.from(state.outcomeChain).toString('hex'), state, digest, rows };
};

test('replicas agree on loads, whatever their batches and restarts are', (t) => {
  const file = converted(t, fileOf(t, sample));
  const other = converted(t, fileOf(t, 'CREATE TABLE z(a); INSERT INTO z VALUES (random())'));
  const entries: CommittedEntry[] = [];
  const add = (make: (index: number) => CommittedEntry): number =>
    entries.push(make(entries.length + 1));
  add((index) => commandEntry(index, ['CREATE TABLE w(x)']));
  let schemaIndex = 1;
  const load = (steps: readonly LoadStep[]): void => {
    for (const step of steps) {
      add((index) => stepEntry(index, step));
      add((index) => commandEntry(index, ['INSERT INTO w VALUES (random())'], { schemaIndex }));
    }
  };
  load(stepsOf(file, 'database', 1).slice(0, 3));
  // By the log's time the first one is given up.
  for (const step of stepsOf(other, 'database', 2)) {
    add((index) => stepEntry(index, step, entryTimeMs + 60_000));
  }
  schemaIndex = entries.length;
  add((index) => commandEntry(index, ['CREATE TABLE w(x)'], { schemaIndex }));
  schemaIndex = entries.length;
  load(stepsOf(file, 'database', 3).slice(0, 2));
  load([{ kind: 'abandon', load: idOf(3), user: '', requestId: '' }]);
  load(stepsOf(file, 'database', 4));
  schemaIndex = entries.length - 1;
  add((index) => commandEntry(index, ["INSERT INTO people(name) VALUES ('z')"], { schemaIndex }));
  const never = (): boolean => false;
  const one = applied(t, entries, never, never);
  const each = applied(t, entries, () => true, never);
  const restarted = applied(
    t,
    entries,
    () => true,
    () => true,
  );
  const mixed = applied(
    t,
    entries,
    (index) => index % 3 === 0,
    (index) => index % 6 === 0,
  );
  assert.equal(one.state.appliedIndex, entries.length);
  assert.equal(one.rows > 3, true);
  for (const other of [each, restarted, mixed]) assert.deepEqual(other, one);
});

test('what is wrong with pieces is said alike everywhere, and changes nothing', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE old(x)']);
  const bytes = converted(t, fileOf(t, sample));
  const steps = stepsOf(bytes, 'database');
  const [first, second] = steps;
  const end = steps.at(-1);
  assert.ok(first !== undefined && second !== undefined && end !== undefined);
  assert.match(applySteps(writer, [end]), /another load took its place/);
  assert.match(applySteps(writer, [second]), /a piece is missing/);
  assert.equal(applySteps(writer, [first, first]), done);
  assert.match(applySteps(writer, [end]), /a piece is missing/);
  assert.match(
    applySteps(writer, stepsOf(bytes, 'database', 2).slice(0, 1)),
    /another load is under way/,
  );
  // One piece is another one than the digest says.
  const wrong = Buffer.from(bytes);
  wrong[bytes.length - 1] = 1 ^ (wrong[bytes.length - 1] ?? 0);
  const mixed = [...stepsOf(wrong, 'database').slice(1, -1), end];
  assert.match(applySteps(writer, mixed), /not what was sent/);
  assert.match(tables(writer), /"old"/);
  const later = entryTimeMs + 30_000;
  const another = stepsOf(bytes, 'database', 2);
  assert.equal(applySteps(writer, another, later), done);
  assert.match(tables(writer), /people/);
  // Asked again: it was done, and is not done twice.
  executed(writer, ['DROP VIEW names']);
  assert.equal(applySteps(writer, another.slice(-1), later), done);
  assert.doesNotMatch(tables(writer), /names/);
});

const commandOf = (
  statements: readonly string[],
  schemaIndex: number,
  transaction = true,
): Buffer =>
  encodeCommand({
    ...tableOf(statements),
    transaction,
    schemaIndex,
    changesSchema: true,
    user: 'ada',
    requestId: 'r',
  });

const piecesLeft = (writer: Writer): string =>
  applySteps(writer, [
    { kind: 'piece', load: idOf(200), bytes: 0, data: Buffer.from('x'), user: '', requestId: '' },
  ]);

test('a command that comes in pieces is applied whole, or not at all, and its pieces are gone', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  executed(writer, [
    'CREATE TABLE p(id INTEGER PRIMARY KEY)',
    'CREATE TABLE c(p REFERENCES p DEFERRABLE INITIALLY DEFERRED)',
  ]);
  const at = (): number => writer.state.schemaIndex;
  const load = (statements: readonly string[], id: number, transaction = true): string =>
    applySteps(writer, stepsOf(commandOf(statements, at(), transaction), 'command', id, 40));
  assert.equal(
    load(['CREATE TABLE big(x)', 'INSERT INTO big VALUES (1), (2)'], 1),
    '[{},{"last_insert_id":2,"rows_affected":2}]',
  );
  assert.match(
    load(['INSERT INTO big VALUES (3)', 'INSERT INTO nope VALUES (1)'], 2),
    /no such table: nope/,
  );
  assert.match(
    load(
      [
        "CREATE TRIGGER r BEFORE INSERT ON p BEGIN SELECT RAISE(ROLLBACK, 'out'); END",
        'INSERT INTO p VALUES (1)',
      ],
      3,
    ),
    /out/,
  );
  assert.match(load(['INSERT INTO big VALUES (4)'], 4, false), /no command to load/);
  assert.equal(
    executed(writer, ['SELECT count(*) FROM big'], { render: 17 }).includes('[[2]]'),
    true,
  );
  const stale = applySteps(writer, stepsOf(commandOf(['DROP TABLE big'], 1), 'command', 5, 40));
  assert.equal(stale, 'schema-changed');
  assert.equal(piecesLeft(writer), done);
});

test('a command in pieces whose COMMIT fails leaves nothing but its error', (t) => {
  const writer = writerIn(t, temporaryFolder(t), { foreignKeys: true });
  executed(writer, [
    'CREATE TABLE p(id INTEGER PRIMARY KEY)',
    'CREATE TABLE c(p REFERENCES p DEFERRABLE INITIALLY DEFERRED)',
  ]);
  const command = commandOf(['INSERT INTO c VALUES (7)'], writer.state.schemaIndex);
  assert.match(
    applySteps(writer, stepsOf(command, 'command', 1, 40)),
    /FOREIGN KEY constraint failed/,
  );
  assert.equal(
    executed(writer, ['SELECT count(*) FROM c'], { render: 17 }).includes('[[0]]'),
    true,
  );
  assert.equal(piecesLeft(writer), done);
});
