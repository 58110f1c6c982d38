// Commands as docs/DISASTERS.md gives them, so that what the page says is what is tested.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'DISASTERS.md'), 'utf8');

/** Every block of the page that is marked to be run, by its name. */
export const pageCommands: ReadonlyMap<string, string> = new Map(
  [...text.matchAll(/^```sh run=(\S+)\n([^\n]*)\n```$/gm)].map(([, name = '', line = '']) => [
    name,
    line,
  ]),
);

/** The words behind `stockade` of a block, with what stands for something put in. */
export const pageWords = (
  name: string,
  values: Readonly<Record<string, string>>,
): readonly string[] => {
  const [program, ...words] = pageCommands.get(name)?.split(' ') ?? [];
  assert.equal(program, 'stockade', `the page has a command ${name}`);
  return words.map((word) => values[word] ?? word);
};
