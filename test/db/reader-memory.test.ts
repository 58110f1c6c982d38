// What texts leave behind in memory is bounded, whatever they are: kept texts by their characters,
// statements by calls of the collector, because V8 does not see SQLite's memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEngine } from '#db/engine.ts';
import { openReader } from '#db/open-reader.ts';
import { TextCache } from '#db/text-cache.ts';
import { effects, executed, temporaryFolder, writerIn } from './support.ts';

test('long texts push others out of the memory of texts, short ones do not', (t) => {
  const engine = openEngine(':memory:', { readonly: false, busyTimeoutMs: 0 });
  t.after(() => engine.close());
  const cache = new TextCache(engine);
  const short = Array.from({ length: 1000 }, (_, at) => `SELECT ${at}`);
  const first = short.map((text) => cache.get(text));
  assert.ok(short.every((text, at) => cache.get(text) === first[at]));
  const long = Array.from({ length: 40 }, (_, at) => `SELECT ${at}, '${'x'.repeat(16_000)}'`);
  for (const text of long) cache.get(text);
  const kept = [...long, ...short].filter((text) => {
    const before = cache.get(text);
    return cache.get(text) === before && first.includes(before);
  });
  assert.equal(kept.length, 0, 'the short ones made room');
  const one = cache.get(long.at(-1) ?? '');
  assert.equal(cache.get(long.at(-1) ?? ''), one);
});

test('the collector is called when so many characters were judged or read anew, and only then', (t) => {
  const folder = temporaryFolder(t);
  executed(writerIn(t, folder), ['CREATE TABLE t(id INTEGER PRIMARY KEY, a)']);
  let collected = 0;
  const reader = openReader({
    dataFolder: folder,
    ...effects,
    collect: () => {
      collected += 1;
    },
  });
  t.after(() => reader.close());
  const filler = 'x'.repeat(15_000);
  const read = (text: string): void => {
    const statements = [{ text: 0, positional: [], named: [] }];
    const request = { texts: [text], statements, transaction: false, render: 0 };
    reader.read({ ...request, rowsMax: 10, bytesMax: 1000 });
    reader.tidy();
  };
  for (let turn = 0; turn < 100; turn += 1) read(`SELECT a FROM t WHERE a = '${filler}'`);
  assert.equal(collected, 0, 'a text that is known costs nothing');
  for (let turn = 0; turn < 80; turn += 1) read(`SELECT ${turn} FROM t WHERE a = '${filler}'`);
  assert.equal(collected, 1);
  for (let turn = 0; turn < 80; turn += 1) {
    reader.judge({ texts: [`INSERT INTO t(a) VALUES(${turn}), ('${filler}')`] });
    reader.tidy();
  }
  assert.equal(collected, 2);
});
