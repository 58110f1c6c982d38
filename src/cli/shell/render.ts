// Rows as text: columns for people, CSV and JSON for programs. What comes out of a database may
// hold anything: where people look, control characters are shown, never obeyed.
import { type Cell, NumberText } from './exact-json.ts';
import type { RowsResult } from './results.ts';

/** How rows are shown. */
export const modes = ['column', 'csv', 'json', 'line'] as const;
/** One of them. */
export type Mode = (typeof modes)[number];

/** A column is not made wider than this; what is longer is cut in `column`, and only there. */
const columnCharactersMax = 60;

const blobType = /^blob$/i;

/** Control characters and those that change the direction of writing. */
const unsafe = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

const shown = (text: string): string =>
  text.replace(unsafe, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    return `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0') ?? ''}`;
  });

const hexOf = (base64: string): string => `x'${Buffer.from(base64, 'base64').toString('hex')}'`;

const plain = (cell: Cell, type: string): string => {
  if (cell === null) return '';
  if (cell instanceof NumberText) return cell.digits;
  if (typeof cell === 'boolean') return cell ? '1' : '0';
  return blobType.test(type) ? hexOf(cell) : cell;
};

const forPeople = (cell: Cell, type: string): string =>
  cell === null ? 'NULL' : shown(plain(cell, type));

/** Characters as wide as a terminal shows them, about: wide ones of East Asia count twice. */
const widthOf = (text: string): number => {
  let width = 0;
  for (const character of text) width += wide.test(character) ? 2 : 1;
  return width;
};
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

const cut = (text: string): string => {
  if (widthOf(text) <= columnCharactersMax) return text;
  let kept = '';
  let width = 1;
  for (const character of text) {
    width += widthOf(character);
    if (width > columnCharactersMax) break;
    kept += character;
  }
  return `${kept}…`;
};

const padded = (text: string, width: number, right: boolean): string => {
  const room = ' '.repeat(Math.max(0, width - widthOf(text)));
  return right ? room + text : text + room;
};

const columnText = ({ columns, types, rows }: RowsResult): string => {
  const heads = columns.map((name) => cut(shown(name)));
  const cells = rows.map((row) =>
    heads.map((_, at) => cut(forPeople(row[at] ?? null, types[at] ?? ''))),
  );
  const numeric = heads.map((_, at) => rows.some((row) => row[at] instanceof NumberText));
  const widths = heads.map((head, at) =>
    cells.reduce((most, row) => Math.max(most, widthOf(row[at] ?? '')), widthOf(head)),
  );
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, at) => padded(text, widths[at] ?? 0, numeric[at] ?? false))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return `${[line(heads), rule, ...cells.map(line)].join('\n')}\n`;
};

/** RFC 4180; NULL is an empty field, an empty text is "". */
const csvField = (cell: Cell, type: string): string => {
  const text = plain(cell, type);
  return cell !== null && (text === '' || /[",\r\n]/.test(text))
    ? `"${text.replaceAll('"', '""')}"`
    : text;
};

const csvText = ({ columns, types, rows }: RowsResult): string =>
  [
    columns.map((name) => csvField(name, '')),
    ...rows.map((row) => row.map((cell, at) => csvField(cell, types[at] ?? ''))),
  ]
    .map((fields) => `${fields.join(',')}\r\n`)
    .join('');

const jsonCell = (cell: Cell): string =>
  cell instanceof NumberText ? cell.digits : JSON.stringify(cell);

/** An array of objects; of columns with one name the last one counts, as in JSON. */
const jsonText = ({ columns, rows }: RowsResult): string => {
  const objects = rows.map(
    (row) =>
      `{${columns.map((name, at) => `${JSON.stringify(name)}:${jsonCell(row[at] ?? null)}`).join(',')}}`,
  );
  return `[${objects.join(',\n')}]\n`;
};

const lineText = ({ columns, types, rows }: RowsResult): string => {
  const heads = columns.map(shown);
  const width = heads.reduce((most, head) => Math.max(most, widthOf(head)), 0);
  return rows
    .map((row) =>
      heads
        .map(
          (head, at) =>
            `${padded(head, width, true)} = ${forPeople(row[at] ?? null, types[at] ?? '')}\n`,
        )
        .join(''),
    )
    .join('\n');
};

/** The rows of one statement as text. */
export const rowsText = (result: RowsResult, mode: Mode): string => {
  switch (mode) {
    case 'column':
      return columnText(result);
    case 'csv':
      return csvText(result);
    case 'json':
      return jsonText(result);
    case 'line':
      return lineText(result);
  }
};

/** A text of somebody else's, safe to show. */
export const safeText = shown;
