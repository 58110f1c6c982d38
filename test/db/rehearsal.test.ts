// Rehearsals: a command is run and all of it is undone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandEntry, execute, executed, temporaryFolder, writerIn } from './support.ts';

test('nothing of a rehearsal stays when a statement of it ends the transaction', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  execute(writer, ['CREATE TABLE r(u UNIQUE ON CONFLICT ROLLBACK)']);
  execute(writer, ['CREATE TABLE plain(a)']);
  execute(writer, ['INSERT INTO r VALUES(1)']);
  const before = writer.state;
  for (const transaction of [false, true]) {
    const statements = ['INSERT INTO r VALUES(1)', 'INSERT INTO plain VALUES(1)'];
    writer.rehearse(commandEntry(4, statements, { schemaIndex: 2, transaction }).data);
    const rows = executed(writer, ['SELECT count(*) FROM plain'], { render: 17 });
    assert.match(rows, /\[\[0\]\]/);
  }
  assert.equal(writer.state.appliedIndex, before.appliedIndex + 2);
});
