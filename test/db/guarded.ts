// A database with something of everything, and a reader that judges statements on it.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Reader, Verdict } from '#db/reader.ts';
import { executed, readerIn, temporaryFolder, writerIn } from './support.ts';

/** A reader over tables, a view, a trigger and a full-text table. */
export const openGuarded = (
  t: TestContext,
): { readonly reader: Reader; readonly folder: string } => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, [
    'CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)',
    'CREATE TABLE secret(k)',
    'CREATE VIEW v AS SELECT k FROM secret',
    'CREATE TABLE logged(a)',
    'CREATE TRIGGER log AFTER INSERT ON logged BEGIN INSERT INTO t(a) SELECT k FROM secret; END',
    'CREATE VIRTUAL TABLE ft USING fts5(a)',
  ]);
  return { reader: readerIn(t, folder), folder };
};

/** The reader's verdict of one text. */
export const verdict = (reader: Reader, text: string, heavy = false): Verdict => {
  const [only] = reader.judge({ texts: [text], heavy }).verdicts;
  assert.ok(only);
  return only;
};
