// How values look on a terminal: dates without milliseconds, fields in columns, foreign text with
// everything but printable ASCII escaped.

/** A moment in UTC, to the second. */
export const dateText = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

/** Text that somebody else chose, safe for a terminal. */
export const foreignText = (text: string): string =>
  text.replace(/[^\x20-\x7e]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);

/** A heading and its fields, one a line; undefined fields are left out. */
export const fields = (
  heading: string,
  rows: Readonly<Record<string, string | undefined>>,
): string[] => [
  heading,
  ...Object.entries(rows).flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${name.padEnd(12)} ${value}`],
  ),
];
