// An event: what became of one row, in the form that rqlite sends. Its values are JSON text
// already, so that integers stay exact; what only some receivers want lies in a part of its own.
import type { SqlValue } from '#db/engine.ts';
import { jsonReal, jsonString } from '#db/json-text.ts';
import { eventOverheadBytes } from './bounds.ts';
import type { RowChange } from './row-changes.ts';
import { rowFrom, type TableShape } from './table-shapes.ts';

/** One event. */
export interface ChangeEvent {
  /** The table; '' for a gap. */
  readonly table: string;
  /** Members of the object without braces: op, table, rowids. */
  readonly head: string;
  /** Members `before` and `after`, each with a comma in front. */
  readonly images: string;
}

/** What an event counts where bytes of events are bounded. */
export const bytesOf = ({ table, head, images }: ChangeEvent): number =>
  eventOverheadBytes +
  Buffer.byteLength(table) +
  Buffer.byteLength(head) +
  Buffer.byteLength(images);

/** Why changes are missing from the stream. */
export type GapReason =
  /** This node did not apply them: an image, a loaded file, a restore; or capture was off. */
  | 'missed'
  /** One entry changed more than is kept. */
  | 'too_large'
  /** This node could not read or store them. */
  | 'failed';

/** That changes of entries `from` up to and including the event's own index are missing. */
export const gapEvent = (from: number, reason: GapReason): ChangeEvent => ({
  table: '',
  head: `"op":"GAP","from":${from},"error":${jsonString(reason)}`,
  images: '',
});

const valueText = (value: SqlValue): string => {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return jsonReal(value);
  if (typeof value === 'string') return jsonString(value);
  return `"${Buffer.from(value).toString('base64')}"`;
};

type Row = ReadonlyMap<string, SqlValue>;

const rowText = (row: Row): string =>
  `{${[...row].map(([name, value]) => `${jsonString(name)}:${valueText(value)}`).join(',')}}`;

/** A change of the table's definition rewrites rows; what both know decides. */
const differ = (before: Row, after: Row): boolean => {
  for (const [name, value] of before) {
    const now = after.get(name);
    if (now !== undefined && valueText(now) !== valueText(value)) return true;
  }
  return false;
};

/** The event of a changed row; undefined when only the table's definition changed. */
export const rowEvent = (
  { rowid, before, after }: RowChange,
  was: TableShape,
  is: TableShape,
): ChangeEvent | undefined => {
  const old = before === undefined ? undefined : rowFrom(was, rowid, before);
  const now = after === undefined ? undefined : rowFrom(is, rowid, after);
  if (was !== is && old !== undefined && now !== undefined && !differ(old, now)) return undefined;
  const op = old === undefined ? 'INSERT' : now === undefined ? 'DELETE' : 'UPDATE';
  const parts = [`"op":"${op}","table":${jsonString(is.name)}`];
  if (now !== undefined) parts.push(`"new_row_id":${rowid}`);
  if (old !== undefined) parts.push(`"old_row_id":${rowid}`);
  if (is.columns === undefined) parts.push('"error":"the columns of this table cannot be read"');
  const images: string[] = [];
  if (old !== undefined && was.columns !== undefined) images.push(`,"before":${rowText(old)}`);
  if (now !== undefined && is.columns !== undefined) images.push(`,"after":${rowText(now)}`);
  return { table: is.name, head: parts.join(','), images: images.join('') };
};
