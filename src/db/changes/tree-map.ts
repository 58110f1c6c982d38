// Knows for each page of the trees of tables which page it hangs below: so a page that was written
// tells of which table it is without a walk. A row's overflow pages hang below its leaf; these are
// looked up only once a page was written that may be one, because that takes a look at every row.
import type { PageReader } from './page-versions.ts';
import { type Cell, overflowPages, readTreePage, treeBelow } from './tree-page.ts';

/** The map. */
export class TreeMap {
  #above = new Uint32Array(1024);
  #roots: ReadonlySet<number> = new Set();
  #knowsOverflow = false;

  /** Maps the trees of `roots` anew. */
  build(reader: PageReader, roots: Iterable<number>): void {
    this.#above.fill(0);
    this.#roots = new Set(roots);
    for (const root of this.#roots) this.#mapInner(reader, root);
    if (this.#knowsOverflow) this.#mapOverflow(reader);
  }

  /** All leaves lie equally deep: of the lowest level no page need be read but one. */
  #mapInner(reader: PageReader, root: number): void {
    let level = [root];
    for (;;) {
      const [first] = level;
      if (first === undefined || readTreePage(reader, first).kind === 'leaf') return;
      const next: number[] = [];
      for (const number of level) {
        const page = readTreePage(reader, number);
        if (page.kind !== 'inner') continue;
        for (const child of page.children) {
          this.hang(child, number);
          next.push(child);
        }
      }
      level = next;
    }
  }

  #mapOverflow(reader: PageReader): void {
    for (const root of this.#roots) {
      for (const [number, page] of treeBelow(reader, root)) {
        if (page.kind === 'leaf') this.hangOverflow(reader, number, page.cells);
      }
    }
  }

  /** From now on overflow pages are known as well. */
  knowOverflow(reader: PageReader): void {
    if (this.#knowsOverflow) return;
    this.#knowsOverflow = true;
    this.#mapOverflow(reader);
  }

  isRoot(number: number): boolean {
    return this.#roots.has(number);
  }

  /** The page that it hangs below; 0 for a root and for what is in no tree. */
  above(number: number): number {
    return this.#above[number] ?? 0;
  }

  /** Whether it is a page of a tree, or an overflow page that is known. */
  knows(number: number): boolean {
    return this.isRoot(number) || this.above(number) !== 0;
  }

  hang(number: number, above: number): void {
    if (number >= this.#above.length) {
      const larger = new Uint32Array(Math.max(number + 1, this.#above.length * 2));
      larger.set(this.#above);
      this.#above = larger;
    }
    this.#above[number] = above;
  }

  /** Hangs the overflow pages of rows below `leaf`, or (`leaf` 0) takes them out. */
  hangOverflow(reader: PageReader, leaf: number, cells: readonly Cell[]): void {
    if (!this.#knowsOverflow) return;
    for (const cell of cells) {
      if (cell.overflow === 0) continue;
      for (const number of overflowPages(reader, cell)) this.hang(number, leaf);
    }
  }

  /** The root of the tree that a page is of. */
  rootOf(number: number): number {
    let at = number;
    for (let above = this.above(at); above !== 0; above = this.above(at)) at = above;
    return at;
  }
}
