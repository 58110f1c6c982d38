// Finds which rows a committed transaction changed, by the pages it wrote: rows of the leaves that
// changed, as they were and as they are. Rows that only moved to another page cancel out. What it
// costs goes with what was written, not with the size of the database.
import { invariant } from '#invariant.ts';
import { changedBytesMax } from './bounds.ts';
import type { PageReader, PageVersions } from './page-versions.ts';
import type { TreeMap } from './tree-map.ts';
import { type Cell, isLeaf, payloadOf, readTreePage, treeBelow } from './tree-page.ts';
import type { WrittenPages } from './wal-tail.ts';

/** A row that is not what it was: its payload before and after; undefined where there is none. */
export interface RowChange {
  readonly rowid: bigint;
  readonly before: Buffer | undefined;
  readonly after: Buffer | undefined;
}

type Cells = Map<bigint, Cell>;

/** What a row costs in memory besides its payload. */
const cellBytes = 200;

/** The rows of one tree in the pages that changed. */
interface Touched {
  readonly before: Cells;
  readonly after: Cells;
}

/** One transaction's walk through what it wrote. */
class Walk {
  readonly #before: PageReader;
  readonly #after: PageReader;
  readonly #map: TreeMap;
  readonly #persists: (root: number) => boolean;
  /** Pages that were written, and leaves whose overflow pages were. */
  readonly #dirty: Set<number>;
  /** Those of them that held the rest of a row before. */
  readonly #overflow = new Set<number>();
  #bytes = 0;
  /** More rows changed than are looked at. */
  overfull = false;
  readonly touched = new Map<number, Touched>();
  /** Pages not written that hung below one that was: by then, and now. */
  readonly #detached = new Map<number, number>();
  readonly #attached = new Set<number>();
  /** Written pages below an unwritten one of those: known to be there once that one is. */
  readonly #waiting = new Map<number, number[]>();
  readonly #hung: (readonly [number: number, above: number])[] = [];
  readonly #leaves: (readonly [number: number, cells: readonly Cell[]])[] = [];
  readonly #unhung: (readonly Cell[])[] = [];
  readonly #freed: number[] = [];

  constructor(
    versions: PageVersions,
    map: TreeMap,
    written: WrittenPages,
    persists: (root: number) => boolean,
  ) {
    this.#before = versions.before;
    this.#after = versions.after;
    this.#map = map;
    this.#persists = persists;
    this.#dirty = new Set(written.keys());
    for (const number of written.keys()) this.#touchOwner(number);
  }

  /** An overflow page stands for the leaf that points to it. */
  #touchOwner(number: number): void {
    const above = this.#map.above(number);
    if (above === 0 || !isLeaf(this.#before.page(above), above)) return;
    this.#overflow.add(number);
    this.#dirty.add(above);
  }

  run(): void {
    const alive: (readonly [number: number, root: number])[] = [];
    for (const number of this.#dirty) {
      if (!this.#map.knows(number) || this.#overflow.has(number)) continue;
      this.#lookBefore(number, alive);
    }
    for (let next = alive.pop(); next !== undefined; next = alive.pop()) {
      this.#lookAfter(next, alive);
    }
    for (const [number, root] of this.#detached) {
      if (!this.#attached.has(number)) this.#takeOut(number, root);
    }
    this.#update();
  }

  #lookBefore(number: number, alive: (readonly [number: number, root: number])[]): void {
    const root = this.#map.rootOf(number);
    const page = readTreePage(this.#before, number);
    if (page.kind === 'leaf') {
      this.#keep(root, 'before', page.cells);
      this.#unhung.push(page.cells);
    } else {
      for (const child of page.children) {
        this.#freed.push(child);
        if (!this.#dirty.has(child)) this.#detached.set(child, root);
      }
    }
    if (!this.#persists(root)) return;
    const [top, above] = this.#unwrittenAbove(number);
    if (above !== 0) {
      if (top !== number) this.#waiting.set(top, [...(this.#waiting.get(top) ?? []), number]);
    } else {
      alive.push([number, root]);
    }
  }

  #keep(root: number, side: keyof Touched, cells: readonly Cell[]): void {
    if (this.overfull) return;
    const tree = this.touched.get(root) ?? { before: new Map(), after: new Map() };
    this.touched.set(root, tree);
    for (const cell of cells) {
      this.#bytes += cellBytes + cell.payloadBytes;
      tree[side].set(cell.rowid, cell);
    }
    this.overfull = this.#bytes > changedBytesMax;
    if (this.overfull) this.touched.clear();
  }

  /** The topmost page of the unwritten ones right above, and the written one above that, or 0. */
  #unwrittenAbove(number: number): readonly [top: number, written: number] {
    let top = number;
    for (let above = this.#map.above(top); above !== 0; above = this.#map.above(top)) {
      if (this.#dirty.has(above)) return [top, above];
      top = above;
    }
    return [top, 0];
  }

  #lookAfter(
    [number, root]: readonly [number: number, root: number],
    alive: (readonly [number: number, root: number])[],
  ): void {
    const page = readTreePage(this.#after, number);
    if (page.kind === 'leaf') {
      this.#keep(root, 'after', page.cells);
      this.#leaves.push([number, page.cells]);
      return;
    }
    for (const child of page.children) {
      this.#hung.push([child, number]);
      if (this.#dirty.has(child)) {
        alive.push([child, root]);
        continue;
      }
      invariant(this.#detached.has(child), 'a page that comes into a tree was written');
      this.#attached.add(child);
      for (const below of this.#waiting.get(child) ?? []) alive.push([below, root]);
    }
  }

  /** A part of a tree is gone, and was not even written for it. */
  #takeOut(number: number, root: number): void {
    const besides = (page: number): boolean => this.#dirty.has(page);
    for (const [, page] of treeBelow(this.#before, number, besides)) {
      if (page.kind === 'inner') {
        this.#freed.push(...page.children);
        continue;
      }
      this.#keep(root, 'before', page.cells);
      this.#unhung.push(page.cells);
    }
  }

  /** Brings the map up to date: first what was, then what is. */
  #update(): void {
    for (const cells of this.#unhung) this.#map.hangOverflow(this.#before, 0, cells);
    for (const number of this.#freed) this.#map.hang(number, 0);
    for (const [number, above] of this.#hung) this.#map.hang(number, above);
    for (const [leaf, cells] of this.#leaves) this.#map.hangOverflow(this.#after, leaf, cells);
  }
}

/** Whether a page may hold the rest of a row: none of a tree begins with 0. */
const mayBeOverflow = (page: Buffer): boolean => page[0] === 0;

const sameCell = (a: Cell, b: Cell): boolean =>
  a.payloadBytes === b.payloadBytes && a.overflow === b.overflow && a.local.equals(b.local);

/**
 * The rows that a transaction changed, by the root of their tree; brings `map` up to date. Of trees
 * that do not persist nothing is of use. Undefined: more changed than is kept in memory.
 */
export const changedRows = (
  versions: PageVersions,
  map: TreeMap,
  written: WrittenPages,
  persists: (root: number) => boolean,
): ReadonlyMap<number, Iterable<RowChange>> | undefined => {
  for (const number of written.keys()) {
    if (!map.knows(number) && mayBeOverflow(versions.after.page(number))) {
      map.knowOverflow(versions.before);
      break;
    }
  }
  const walk = new Walk(versions, map, written, persists);
  walk.run();
  if (walk.overfull) return undefined;
  return new Map([...walk.touched].map(([root, tree]) => [root, changesOf(versions, tree)]));
};

const byRowid = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Removed rows first, then the others, each by rowid: the same on every node, however SQLite wrote
 * its pages. Row by row, so that the payloads of no more than one are in memory.
 */
function* changesOf(versions: PageVersions, { before, after }: Touched): Generator<RowChange> {
  const gone = [...before.keys()].filter((rowid) => !after.has(rowid));
  for (const rowid of gone.toSorted(byRowid)) {
    const old = before.get(rowid);
    if (old === undefined) continue;
    yield { rowid, before: payloadOf(versions.before, old), after: undefined };
  }
  for (const rowid of [...after.keys()].toSorted(byRowid)) {
    const [old, now] = [before.get(rowid), after.get(rowid)];
    if (now === undefined || (old?.overflow === 0 && sameCell(old, now))) continue;
    const payload = old === undefined ? undefined : payloadOf(versions.before, old);
    const next = payloadOf(versions.after, now);
    if (payload?.equals(next) !== true) yield { rowid, before: payload, after: next };
  }
}
