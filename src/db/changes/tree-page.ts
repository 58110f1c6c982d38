// Reads the pages of a table's b-tree: what hangs below one, which rows one holds. Bytes only; what
// they mean is record.ts's. The format is SQLite's own (https://sqlite.org/fileformat2.html).
import { invariant } from '#invariant.ts';
import type { PageReader } from './page-versions.ts';

/** A row as it lies in its page. */
export interface Cell {
  readonly rowid: bigint;
  readonly payloadBytes: number;
  /** The part of the payload that is in the page. */
  readonly local: Buffer;
  /** The first page with more of it; 0: all is here. */
  readonly overflow: number;
}

/** A page of a table's tree. */
export type TreePage =
  | { readonly kind: 'inner'; readonly children: readonly number[] }
  | { readonly kind: 'leaf'; readonly cells: readonly Cell[] };

const innerTable = 5;
const leafTable = 13;
/** The first page begins with the header of the file. */
const headerAt = (number: number): number => (number === 1 ? 100 : 0);

/** A number of SQLite's variable length: the value and where it ends. */
export const varintAt = (bytes: Buffer, at: number): readonly [value: bigint, end: number] => {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return [BigInt(first), at + 1];
  let value = 0n;
  for (let byte = 0; byte < 8; byte += 1) {
    const next = bytes[at + byte] ?? 0;
    value = (value << 7n) | BigInt(next & 0x7f);
    if (next < 0x80) return [value, at + byte + 1];
  }
  return [BigInt.asIntN(64, (value << 8n) | BigInt(bytes[at + 8] ?? 0)), at + 9];
};

const cellAt = (page: Buffer, at: number, usableBytes: number): Cell => {
  const [payload, rowidAt] = varintAt(page, at);
  const [rowid, from] = varintAt(page, rowidAt);
  const payloadBytes = Number(payload);
  const localMax = usableBytes - 35;
  if (payloadBytes <= localMax) {
    return { rowid, payloadBytes, local: page.subarray(from, from + payloadBytes), overflow: 0 };
  }
  const localMin = Math.floor(((usableBytes - 12) * 32) / 255) - 23;
  const wanted = localMin + ((payloadBytes - localMin) % (usableBytes - 4));
  const end = from + (wanted <= localMax ? wanted : localMin);
  return { rowid, payloadBytes, local: page.subarray(from, end), overflow: page.readUInt32BE(end) };
};

/** Whether a page is a leaf of a table. */
export const isLeaf = (page: Buffer, number: number): boolean =>
  page[headerAt(number)] === leafTable;

/** Whether a root is that of a table with rowids; others lie in an index of themselves. */
export const isTree = (root: Buffer): boolean => root[0] === leafTable || root[0] === innerTable;

/** Takes a page of a table's tree apart. @throws InvariantError for any other page */
export const readTreePage = (reader: PageReader, number: number): TreePage => {
  const page = reader.page(number);
  const header = headerAt(number);
  const kind = page[header];
  invariant(kind === leafTable || kind === innerTable, 'a page of a table is of a table');
  const cells = page.readUInt16BE(header + 3);
  const pointers = header + (kind === leafTable ? 8 : 12);
  const places = Array.from({ length: cells }, (_, at) => page.readUInt16BE(pointers + 2 * at));
  if (kind === innerTable) {
    const children = places.map((place) => page.readUInt32BE(place));
    return { kind: 'inner', children: [...children, page.readUInt32BE(header + 8)] };
  }
  return { kind: 'leaf', cells: places.map((at) => cellAt(page, at, reader.usableBytes)) };
};

/** The pages that hold the rest of a row. */
export const overflowPages = (reader: PageReader, cell: Cell): readonly number[] => {
  const pages: number[] = [];
  const perPage = reader.usableBytes - 4;
  let rest = cell.payloadBytes - cell.local.length;
  for (let next = cell.overflow; next !== 0 && rest > 0; rest -= perPage) {
    pages.push(next);
    next = reader.page(next).readUInt32BE(0);
  }
  return pages;
};

/** A row's whole payload. */
export const payloadOf = (reader: PageReader, cell: Cell): Buffer => {
  if (cell.overflow === 0) return cell.local;
  const parts: Buffer[] = [cell.local];
  let rest = cell.payloadBytes - cell.local.length;
  for (const number of overflowPages(reader, cell)) {
    const page = reader.page(number);
    parts.push(page.subarray(4, 4 + Math.min(rest, reader.usableBytes - 4)));
    rest -= reader.usableBytes - 4;
  }
  return Buffer.concat(parts);
};

/** Pages of a table's tree, root first, leaves among them; those in `besides` are left out. */
export function* treeBelow(
  reader: PageReader,
  root: number,
  besides: (number: number) => boolean = () => false,
): Generator<readonly [number: number, page: TreePage]> {
  const open = [root];
  for (let number = open.pop(); number !== undefined; number = open.pop()) {
    if (besides(number)) continue;
    const page = readTreePage(reader, number);
    yield [number, page];
    if (page.kind === 'inner') open.push(...page.children.toReversed());
  }
}
