// Turns the transactions of a database, one after the other, into events. It reads their pages and
// decides nothing about entries or storage.

import { entryEventBytesMax } from './bounds.ts';
import { bytesOf, type ChangeEvent, rowEvent } from './change-event.ts';
import type { PageReader, PageVersions } from './page-versions.ts';
import { valuesOf } from './record.ts';
import { changedRows, type RowChange } from './row-changes.ts';
import { type Shapes, shapesOf, type TableShape } from './table-shapes.ts';
import { TreeMap } from './tree-map.ts';
import { payloadOf, readTreePage, treeBelow } from './tree-page.ts';
import type { WrittenPages } from './wal-tail.ts';

/** Where a transaction left the database. */
export interface CommitPosition {
  readonly index: number;
  readonly timeMs: number;
  readonly statementsDone: number;
}

/** What a transaction changed. */
export interface CommitChanges {
  readonly position: CommitPosition;
  /** Undefined: too many to keep. */
  readonly events: readonly ChangeEvent[] | undefined;
}

/** Place of the schema's number in the first page: every change of the schema changes it. */
const cookieAt = 40;

const positionIn = (reader: PageReader, { metaRoot }: Shapes): CommitPosition => {
  const page = metaRoot === 0 ? undefined : readTreePage(reader, metaRoot);
  const cell = page?.kind === 'leaf' ? page.cells[0] : undefined;
  if (cell === undefined) return { index: 0, timeMs: 0, statementsDone: 0 };
  const [, index, , timeMs, , , statementsDone] = valuesOf(payloadOf(reader, cell));
  return {
    index: Number(index),
    timeMs: Number(timeMs),
    statementsDone: Number(statementsDone),
  };
};

const byName = (a: TableShape, b: TableShape): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

const sameColumns = (a: TableShape, b: TableShape): boolean =>
  JSON.stringify(a.columns?.map(({ name }) => name)) ===
  JSON.stringify(b.columns?.map(({ name }) => name));

/** Collects events within the bound. */
class Events {
  readonly #events: ChangeEvent[] = [];
  #bytes = 0;

  get full(): boolean {
    return this.#bytes > entryEventBytesMax;
  }

  get all(): readonly ChangeEvent[] | undefined {
    return this.full ? undefined : this.#events;
  }

  add(event: ChangeEvent | undefined): void {
    if (event === undefined) return;
    this.#bytes += bytesOf(event);
    if (!this.full) this.#events.push(event);
  }
}

/** Follows one database. */
export class CommitReader {
  readonly #versions: PageVersions;
  readonly #map = new TreeMap();
  #shapes: Shapes;

  /** As the versions stand, nothing of a transaction looked at. */
  constructor(versions: PageVersions) {
    this.#versions = versions;
    this.#shapes = shapesOf(versions.before);
    this.#build(versions.before);
  }

  #build(reader: PageReader): void {
    this.#map.build(
      reader,
      [...this.#shapes.tables.values()].map(({ root }) => root),
    );
  }

  /** Where the database stands. */
  get position(): CommitPosition {
    return positionIn(this.#versions.before, this.#shapes);
  }

  /** The next transaction. @throws InvariantError when its pages are not what they must be */
  read(written: WrittenPages): CommitChanges {
    const versions = this.#versions;
    versions.look(written);
    const next = this.#schemaChanged(written)
      ? shapesOf(versions.after, this.#shapes)
      : this.#shapes;
    const events = new Events();
    const complete = this.#readRows(written, next, events);
    const changed = next !== this.#shapes;
    if (changed) this.#readNewTables(next, events);
    this.#shapes = next;
    const position = positionIn(versions.after, next);
    if (changed) this.#build(versions.after);
    versions.pass();
    return { position, events: complete ? events.all : undefined };
  }

  #schemaChanged(written: WrittenPages): boolean {
    if (!written.has(1)) return false;
    const { before, after } = this.#versions;
    return before.page(1).readUInt32BE(cookieAt) !== after.page(1).readUInt32BE(cookieAt);
  }

  /** The table that this one became: the same, or renamed. */
  #successor(table: TableShape, next: Shapes): TableShape | undefined {
    const same = next.tables.get(table.name);
    if (same !== undefined) return same.root === table.root ? same : undefined;
    return [...next.tables.values()].find(
      (other) =>
        other.root === table.root &&
        !this.#shapes.tables.has(other.name) &&
        sameColumns(table, other),
    );
  }

  #readRows(written: WrittenPages, next: Shapes, events: Events): boolean {
    const tables = [...this.#shapes.tables.values()];
    const unchanged = next === this.#shapes;
    // By name, whatever the order of pages was.
    const byRoot = new Map(
      tables
        .toSorted(byName)
        .map((table) => [
          table.root,
          [table, unchanged ? table : this.#successor(table, next)] as const,
        ]),
    );
    const persists = (root: number): boolean => byRoot.get(root)?.[1] !== undefined;
    const changes = changedRows(this.#versions, this.#map, written, persists);
    if (changes === undefined) return false;
    for (const [root, [was, is]] of byRoot) {
      if (is === undefined) continue;
      for (const row of changes.get(root) ?? []) {
        events.add(rowEvent(row, was, is));
        if (events.full) break;
      }
    }
    return true;
  }

  /** All rows of tables that came: of CREATE TABLE AS, and what the same request stored. */
  #readNewTables(next: Shapes, events: Events): void {
    const known = new Set(
      [...this.#shapes.tables.values()].map((table) => this.#successor(table, next)),
    );
    for (const table of [...next.tables.values()].toSorted(byName)) {
      if (known.has(table)) continue;
      for (const row of rowsOf(this.#versions.after, table.root)) {
        events.add(rowEvent(row, table, table));
        if (events.full) return;
      }
    }
  }
}

function* rowsOf(reader: PageReader, root: number): Generator<RowChange> {
  for (const [, page] of treeBelow(reader, root)) {
    if (page.kind !== 'leaf') continue;
    for (const cell of page.cells) {
      yield { rowid: cell.rowid, before: undefined, after: payloadOf(reader, cell) };
    }
  }
}
