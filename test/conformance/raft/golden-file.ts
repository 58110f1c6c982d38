// Reads golden files: a directive, possibly input lines, `----`, the expected output, an empty
// line.
import { readFileSync } from 'node:fs';

/** One case of a file. */
export interface GoldenCase {
  readonly line: number;
  readonly directive: string;
  /** Arguments by name; a list for `(a,b)`, a single text else. */
  readonly parameters: ReadonlyMap<string, readonly string[]>;
  readonly input: readonly string[];
  readonly expected: readonly string[];
}

const parametersFrom = (text: string): ReadonlyMap<string, readonly string[]> => {
  const parameters = new Map<string, readonly string[]>();
  for (const [, name = '', list, single] of text.matchAll(/(\w+)=(?:\(([^)]*)\)|(\S+))/g)) {
    const values = list === undefined ? [single ?? ''] : list.split(',').map((one) => one.trim());
    parameters.set(name, values);
  }
  return parameters;
};

/** Every case of the file, in order. */
export const goldenCases = (file: URL): readonly GoldenCase[] => {
  const cases: GoldenCase[] = [];
  const lines = readFileSync(file, 'utf8').split('\n');
  let block: string[] = [];
  let start = 0;
  for (let position = 0; position < lines.length; position += 1) {
    const line = lines[position] ?? '';
    if (line.startsWith('#') || (block.length === 0 && line.trim() === '')) continue;
    if (line !== '----') {
      if (block.length === 0) start = position + 1;
      block.push(line);
      continue;
    }
    const end = lines.findIndex((text, at) => at > position && text.trim() === '');
    const [head = '', ...input] = block;
    const expected = lines.slice(position + 1, end < 0 ? lines.length : end);
    const [directive = ''] = head.split(' ');
    cases.push({ line: start, directive, parameters: parametersFrom(head), input, expected });
    block = [];
    position = end < 0 ? lines.length : end;
  }
  return cases;
};
