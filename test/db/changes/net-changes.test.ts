// Random logs over hostile schemas: the events of each entry are exactly the difference between the
// tables before and behind it. `STOCKADE_CHANGE_SEEDS=2000` runs more of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWriter } from '#db/open-writer.ts';
import { drawFrom } from '../invariance/draw.ts';
import { drawLog } from '../invariance/hostile-log.ts';
import { judgeLog } from '../invariance/judged-log.ts';
import { capturing, effects, temporaryFolder } from '../support.ts';
import { storedEvents } from './events.ts';
import { eventsBetween, isComparable, tablesIn } from './net-changes.ts';

const seeds = Number(process.env['STOCKADE_CHANGE_SEEDS'] ?? 12);

interface Parsed {
  readonly table: string;
  readonly id: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

const parse = (text: string): Parsed => {
  const table = /"table":"([^"]*)"/.exec(text)?.[1] ?? '';
  const id = /"(?:new|old)_row_id":(-?\d+)/.exec(text)?.[1] ?? '';
  const head = text.search(/,"(?:before|after)":/);
  const split = text.indexOf('},"after":', head);
  const inserted = text.startsWith(',"after":', head);
  const before = inserted ? undefined : text.slice(head + 10, split < 0 ? -1 : split + 1);
  const after = inserted
    ? text.slice(head + 9, -1)
    : split < 0
      ? undefined
      : text.slice(split + 10, -1);
  return { table, id, before, after };
};

/** An entry of several transactions changes a row more than once: what they come to together. */
const net = (texts: readonly string[]): readonly string[] => {
  const rows = new Map<string, Parsed>();
  for (const event of texts.map(parse)) {
    const key = `${event.table} ${event.id}`;
    const known = rows.get(key);
    if (known !== undefined)
      assert.equal(event.before, known.after, 'each goes on where one ended');
    rows.set(key, known === undefined ? event : { ...event, before: known.before });
  }
  return [...rows.values()]
    .filter(({ before, after }) => before !== after)
    .map(({ table, id, before, after }) => {
      const op = before === undefined ? 'INSERT' : after === undefined ? 'DELETE' : 'UPDATE';
      const ids = [
        ...(after === undefined ? [] : [`,"new_row_id":${id}`]),
        ...(before === undefined ? [] : [`,"old_row_id":${id},"before":${before}`]),
      ].join('');
      return `{"op":"${op}","table":"${table}"${ids}${after === undefined ? '' : `,"after":${after}`}}`;
    })
    .toSorted();
};

/** Events per entry of a log, and how many entries differ from what they should be. */
const compare = (parent: string, seed: number): number => {
  const { foreignKeys, entries } = judgeLog(`${parent}/judged${seed}`, drawLog(drawFrom(seed)));
  const folder = `${parent}/${seed}`;
  const writer = openWriter({ dataFolder: folder, foreignKeys, changes: capturing, ...effects });
  let events = 0;
  try {
    let before = tablesIn(folder);
    for (const entry of entries) {
      const known = storedEvents(folder).length;
      writer.apply([entry]);
      const after = tablesIn(folder);
      const found = storedEvents(folder)
        .slice(known)
        .filter(({ table }) => isComparable(table, before, after))
        .map(({ text }) => text);
      events += found.length;
      assert.deepEqual(net(found), eventsBetween(before, after), `seed ${seed}, ${entry.index}`);
      before = after;
    }
  } finally {
    writer.close();
  }
  return events;
};

test('the events of an entry are the difference between the tables before and behind it', (t) => {
  const parent = temporaryFolder(t);
  let events = 0;
  for (let seed = 40_001; seed < 40_001 + seeds; seed++) events += compare(parent, seed);
  assert.ok(events > seeds * 10, `${events} events`);
  t.diagnostic(`${events} events of ${seeds} logs`);
});
