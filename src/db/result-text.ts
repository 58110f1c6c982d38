// Results as JSON text, in rqlite's shapes (which keys, in which order, which are left out). It is
// given rows and columns and runs nothing.
import { renderBits } from '#command/outcome.ts';
import { timeFromInteger, timeFromText } from './declared-time.ts';
import type { EngineColumn, SqlValue } from './engine.ts';
import { jsonBytes, jsonReal, jsonString, textFromBytes } from './json-text.ts';

/** Bounds of one request's results; beyond either an error takes the place of the result. */
export interface ResultBounds {
  readonly rowsMax: number;
  readonly bytesMax: number;
}

const tooManyBytes = (bytesMax: number): string => `result too large: more than ${bytesMax} bytes`;

/** The element, or an error in its place when it is longer than `bytesMax` in UTF-8. */
export const withinBytes = (element: string, bytesMax: number, render: number): string => {
  // A UTF-16 unit is at most three bytes of UTF-8, so most elements need no counting.
  if (element.length * 3 <= bytesMax || Buffer.byteLength(element) <= bytesMax) return element;
  return errorText(render, tooManyBytes(bytesMax), true);
};

/** Raised while a row is encoded; the statement's result becomes this error. */
export class ResultError extends Error {
  override readonly name = 'ResultError';
}

/**
 * Raised when a number cannot be told from an integer that was read inexactly: read anew, exactly.
 */
export class NeedsExact extends Error {
  override readonly name = 'NeedsExact';
}

/** From here on a double does not hold every integer. */
const inexactFrom = 2 ** 53;

/** How a column's values are written. */
type ColumnKind = 'plain' | 'boolean' | 'time' | 'text-blob';

/** What is known of a result before its first row; made once per prepared statement. */
export interface ResultShape {
  readonly names: readonly string[];
  readonly qualifiedNames: readonly string[];
  /** Declared types in lower case, '' where there is none. */
  readonly types: readonly string[];
  readonly kinds: readonly ColumnKind[];
  /** Only storage classes tell what to write: integers have to be read as bigint. */
  readonly needsExact: boolean;
}

const timeTypes = new Set(['date', 'datetime', 'timestamp']);
const textPrefixes = [
  'varchar',
  'varying character',
  'nchar',
  'native character',
  'nvarchar',
  'clob',
];

const kindOf = (type: string): ColumnKind => {
  if (type === 'boolean') return 'boolean';
  if (timeTypes.has(type)) return 'time';
  const text = type === '' || type === 'text' || type === 'json';
  return text || textPrefixes.some((prefix) => type.startsWith(prefix)) ? 'text-blob' : 'plain';
};

/** The shape of a statement's result. */
export const shapeOf = (columns: readonly EngineColumn[]): ResultShape => {
  const types = columns.map(({ type }) => (type ?? '').toLowerCase());
  const kinds = types.map(kindOf);
  return {
    names: columns.map(({ name }) => name),
    qualifiedNames: columns.map(({ name, table }) => (table === null ? name : `${table}.${name}`)),
    types,
    kinds,
    needsExact: types.includes('') || kinds.includes('boolean') || kinds.includes('time'),
  };
};

const timeOf = (value: bigint): string => {
  const text = timeFromInteger(value);
  if (text === undefined) {
    throw new ResultError('Time.MarshalText: year outside of range [0,9999]');
  }
  return `"${text}"`;
};

const jsonInteger = (value: bigint, kind: ColumnKind): string => {
  if (kind === 'boolean') return value > 0n ? 'true' : 'false';
  return kind === 'time' ? timeOf(value) : value.toString();
};

const jsonValue = (value: SqlValue, kind: ColumnKind, blobArray: boolean): string => {
  if (typeof value === 'string') return jsonString(kind === 'time' ? timeFromText(value) : value);
  if (typeof value === 'number') return jsonReal(value);
  if (value === null) return 'null';
  if (typeof value === 'bigint') return jsonInteger(value, kind);
  return kind === 'text-blob' ? jsonString(textFromBytes(value)) : jsonBytes(value, blobArray);
};

const isLarge = (value: SqlValue): boolean =>
  typeof value === 'number' && (value >= inexactFrom || value <= -inexactFrom);

const typeOfValue = (value: SqlValue): string => {
  if (value === null) return '';
  if (typeof value === 'bigint') return 'integer';
  // Without a declared type a BLOB is shown as text, and called so.
  return typeof value === 'number' ? 'real' : 'text';
};

const list = (texts: readonly string[]): string => `[${texts.map(jsonString).join(',')}]`;

/** UTF-8 order, which is what Go sorts by; UTF-16 order differs beyond the basic plane. */
const byBytes = (left: string, right: string): number =>
  Buffer.compare(Buffer.from(left), Buffer.from(right));

/** A key and the column it shows: sorted, and of equal names the last. */
type Key = readonly [json: string, column: number];

const sortedKeys = (names: readonly string[]): readonly Key[] => {
  const last = new Map(names.map((name, column) => [name, column]));
  return [...last]
    .sort(([left], [right]) => byBytes(left, right))
    .map(([name, column]) => [jsonString(name), column]);
};

const timing = (render: number, seconds: number): string =>
  (render & renderBits.timings) === 0 ? '' : `,"time":${jsonReal(seconds)}`;

/** Writes the rows of one statement; `add` in order, then `finish`. */
export class RowsText {
  readonly #shape: ResultShape;
  readonly #associative: boolean;
  readonly #blobArray: boolean;
  readonly #names: readonly string[];
  readonly #bounds: ResultBounds;
  readonly #keys: readonly Key[];
  readonly #exact: boolean;
  #types: readonly string[];
  #text = '';
  #rows = 0;

  /** `exact` says that integers come as bigint; without it they have to be told from REALs. */
  constructor(shape: ResultShape, render: number, bounds: ResultBounds, exact = true) {
    this.#exact = exact;
    this.#shape = shape;
    this.#associative = (render & renderBits.associative) !== 0;
    this.#blobArray = (render & renderBits.blobArray) !== 0;
    this.#names = (render & renderBits.qualifyColumns) === 0 ? shape.names : shape.qualifiedNames;
    this.#bounds = bounds;
    this.#types = shape.types;
    this.#keys = this.#associative ? sortedKeys(this.#names) : [];
  }

  /**
   * @throws ResultError when a bound is passed or a value cannot be written
   * @throws NeedsExact
   */
  add(row: readonly SqlValue[]): void {
    if (this.#rows === 0) this.#firstRow(row);
    if (!this.#exact && row.some(isLarge)) throw new NeedsExact();
    this.#rows += 1;
    const separator = this.#rows === 1 ? '' : ',';
    this.#text += separator + (this.#associative ? this.#object(row) : this.#array(row));
    if (this.#rows > this.#bounds.rowsMax) {
      throw new ResultError(`result too large: more than ${this.#bounds.rowsMax} rows`);
    }
    this.#checkBytes(this.#text.length);
  }

  /** The element of `results`; `seconds` is written when timings are wanted. */
  finish(render: number, seconds: number): string {
    const time = timing(render, seconds);
    if (this.#associative) {
      const types = this.#keys.map(([key, at]) => `${key}:${jsonString(this.#types[at] ?? '')}`);
      return `{"types":{${types.join(',')}},"rows":[${this.#text}]${time}}`;
    }
    if (this.#names.length === 0) return '{}';
    const values = this.#rows === 0 ? '' : `,"values":[${this.#text}]`;
    return `{"columns":${list(this.#names)},"types":${list(this.#types)}${values}${time}}`;
  }

  #firstRow(row: readonly SqlValue[]): void {
    if (!this.#types.includes('')) return;
    this.#types = this.#types.map((type, at) =>
      type === '' ? typeOfValue(row[at] ?? null) : type,
    );
  }

  #array(row: readonly SqlValue[]): string {
    const kinds = this.#shape.kinds;
    let text = '[';
    for (let at = 0; at < row.length; at++) {
      if (at > 0) text += ',';
      text += this.#value(row[at] ?? null, kinds[at] ?? 'plain');
      this.#checkBytes(text.length);
    }
    return `${text}]`;
  }

  #object(row: readonly SqlValue[]): string {
    let text = '{';
    for (const [key, at] of this.#keys) {
      if (text.length > 1) text += ',';
      text += `${key}:${this.#value(row[at] ?? null, this.#shape.kinds[at] ?? 'plain')}`;
      this.#checkBytes(text.length);
    }
    return `${text}}`;
  }

  #value(value: SqlValue, kind: ColumnKind): string {
    // Before it is escaped or encoded: one value can be as long as a string can be.
    if (typeof value === 'string' || value instanceof Uint8Array) this.#checkBytes(value.length);
    return jsonValue(value, kind, this.#blobArray);
  }

  #checkBytes(length: number): void {
    if (length > this.#bounds.bytesMax) throw new ResultError(tooManyBytes(this.#bounds.bytesMax));
  }
}

/** The element for a statement that was run for its effect; zeros are left out. */
export const writeText = (
  render: number,
  lastInsertId: bigint,
  rowsAffected: number,
  seconds: number,
): string => {
  const id = lastInsertId === 0n ? '' : `,"last_insert_id":${lastInsertId}`;
  const rows = rowsAffected === 0 ? '' : `,"rows_affected":${rowsAffected}`;
  const none = (render & renderBits.associative) === 0 ? '' : ',"rows":null';
  return `{${`${id}${rows}${timing(render, seconds)}${none}`.slice(1)}}`;
};

/** The element for a statement that failed; `asRead` adds the empty rows of associative reads. */
export const errorText = (render: number, message: string, asRead: boolean): string => {
  const rows = asRead && (render & renderBits.associative) !== 0 ? '"rows":[],' : '';
  return `{${rows}"error":${jsonString(message)}}`;
};
