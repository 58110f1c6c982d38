// The time of entries: 'now' while one is applied, and never before that of the entry before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { executed, temporaryFolder, writerIn } from './support.ts';

const insert = "INSERT INTO t SELECT strftime('%s', 'now') RETURNING a";
const rows = (second: number): string =>
  `[{"columns":["a"],"types":["text"],"values":[["${second}"]]}]`;

test('an entry whose time is before that of the one before has the time of that one', (t) => {
  const folder = temporaryFolder(t);
  const writer = writerIn(t, folder);
  executed(writer, ['CREATE TABLE t(a)'], { timeMs: 1000 });
  // Ten seconds on, back by nine, alone and with others, and on again; over a restart too.
  assert.equal(executed(writer, [insert], { timeMs: 11_000 }), rows(11));
  assert.equal(executed(writer, [insert], { timeMs: 2000 }), rows(11));
  assert.equal(
    executed(writer, ['CREATE INDEX i ON t(a)', insert], { timeMs: 3000 }).includes('"11"'),
    true,
  );
  assert.equal(writer.state.timeMs, 11_000);
  writer.close();
  const again = writerIn(t, folder);
  assert.equal(executed(again, [insert], { timeMs: 4000 }), rows(11));
  assert.equal(executed(again, [insert], { timeMs: 12_000 }), rows(12));
});
