// A full-text index with `content=` shows what is in another table: reading it is reading that one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { executed, readerIn, temporaryFolder, verdict, writerIn } from './support.ts';

test('who reads a full-text index reads the table or the view that it takes its text from', (t) => {
  const folder = temporaryFolder(t);
  executed(writerIn(t, folder), [
    'CREATE TABLE secret(id INTEGER PRIMARY KEY, text)',
    'CREATE VIEW "some view" AS SELECT id, text FROM secret',
    'CREATE TABLE content(content)',
    "CREATE VIRTUAL TABLE plain USING fts5(content, tokenize='porter')",
    "CREATE VIRTUAL TABLE none USING fts5(text, content='')",
    "CREATE VIRTUAL TABLE ft USING fts5(text, content='Secret', content_rowid='id')",
    'CREATE VIRTUAL TABLE bare USING fts5(text, content=secret, content_rowid=id)',
    'CREATE VIRTUAL TABLE seen USING FTS5(text, Content = "some view", content_rowid=id)',
    'CREATE VIEW over AS SELECT text FROM ft',
  ]);
  const reader = readerIn(t, folder);
  const reads = (text: string): readonly string[] => {
    const found = verdict(reader, text);
    assert.ok(found.kind === 'allowed', `${text}: ${JSON.stringify(found)}`);
    return found.reads.map((name) => name.toLowerCase());
  };
  for (const text of [
    'SELECT text FROM ft',
    'SELECT rowid FROM FT WHERE ft MATCH ?',
    'SELECT count(*) FROM ft',
    "SELECT highlight(ft, 0, '<', '>') FROM ft",
    'SELECT * FROM bare',
    'SELECT * FROM seen',
    'SELECT * FROM over',
    'INSERT INTO content SELECT text FROM ft',
    "INSERT INTO ft(ft) VALUES ('rebuild')",
    'DELETE FROM bare WHERE rowid = 1',
  ]) {
    assert.ok(reads(text).includes('secret'), text);
  }
  assert.ok(reads('SELECT * FROM seen').includes('some view'));
  for (const text of [
    'SELECT * FROM plain',
    'SELECT * FROM none',
    'SELECT * FROM content',
    'INSERT INTO plain VALUES (1)',
  ]) {
    assert.ok(!reads(text).includes('secret'), text);
  }
});
