// The house rules that no linter checks: how a file opens, how long it and its lines are, what is
// explained, what is not left behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, type SourceFile, sourceFiles } from './source-text.ts';

const linesMax = 400;
/** A test file lists cases; a long table is easier to read than two halves of it. */
const testLinesMax = 450;
const columnsMax = 100;

const product = sourceFiles(['src', 'certs-tool']);
const everything = sourceFiles(['src', 'certs-tool', 'test', 'tools']);

/** `path:line` of every line that a rule finds fault with. */
const faults = (
  files: readonly SourceFile[],
  isFault: (line: string, index: number, lines: readonly string[]) => boolean,
): readonly string[] =>
  files.flatMap(({ path, text }) => {
    const lines = text.split('\n');
    return lines.flatMap((line, index) =>
      isFault(line, index, lines) ? [`${path}:${index + 1} ${line.trim().slice(0, 80)}`] : [],
    );
  });

test('every source file opens with a comment that says what it is', () => {
  const silent = everything.filter(({ text }) => !/^(?:#![^\n]*\n)?(?:\/\/ \S|\/\*\*)/.test(text));
  assert.deepEqual(
    silent.map(({ path }) => path),
    [],
  );
});

test(`no source file is longer than ${linesMax} lines, no test than ${testLinesMax}`, () => {
  const long = everything
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ path, lines }) => lines > (path.startsWith('test/') ? testLinesMax : linesMax));
  assert.deepEqual(long, []);
});

test(`no comment is wider than ${columnsMax} columns, unless it holds a URL (code is Biome's)`, () => {
  const isWide = (line: string): boolean =>
    line.length > columnsMax && /^\s*(?:\/\/|\/?\*)/.test(line) && !/https?:\/\/\S{40}/.test(line);
  assert.deepEqual(faults(everything, isWide), []);
});

test('nothing is left to do: no marker of unfinished work', () => {
  const marker = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`);
  assert.deepEqual(
    faults(everything, (line) => marker.test(line)),
    [],
  );
});

test('nothing is exported by default', () => {
  const byDefault = everything.filter(({ text }) => /\bexport\s+default\b/.test(codeOf(text)));
  assert.deepEqual(
    byDefault.map(({ path }) => path),
    [],
  );
});

const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type) /;
/** A constant on one line: a run of them may share the comment over the first. */
const constant = /^(?:export )?const \w+(?:: [\w<>, ]+)? = .*;(?: \/\/.*)?$/;
/** One signature of an overloaded function: all of them share the comment over the first. */
const signature = /^export function (\w+)\(.*;$/;

/**
 * Whether an export has a doc comment right over it, or over the run of constants it belongs to.
 */
const isExplained = (index: number, lines: readonly string[]): boolean => {
  let above = index - 1;
  const line = lines[index] ?? '';
  const overloaded = /^export function (\w+)\(/.exec(line)?.[1];
  const shares = (candidate: string): boolean =>
    (constant.test(line) && constant.test(candidate)) ||
    (overloaded !== undefined && signature.exec(candidate)?.[1] === overloaded);
  while (shares(lines[above] ?? '')) above -= 1;
  if (!(lines[above] ?? '').trimEnd().endsWith('*/')) return false;
  while (above >= 0 && !(lines[above] ?? '').includes('/*')) above -= 1;
  return (lines[above] ?? '').trimStart().startsWith('/**');
};

test('every export of src and certs-tool has a doc comment', () => {
  const isSilent = (line: string, index: number, lines: readonly string[]): boolean =>
    declaration.test(line) && !isExplained(index, lines);
  assert.deepEqual(faults(product, isSilent), []);
});

test('exports stand where they are declared, so that their comment is seen', () => {
  const lists = product.filter(({ text }) => /\bexport\s*\{/.test(codeOf(text)));
  assert.deepEqual(
    lists.map(({ path }) => path),
    [],
  );
});

test('the rule of doc comments sees an export without one', () => {
  const explained = (text: string): boolean => {
    const lines = text.split('\n');
    return isExplained(lines.length - 1, lines);
  };
  assert.ok(explained('/** What. */\nexport const one = 1;'));
  assert.ok(explained('/**\n * What.\n */\nexport class One {'));
  assert.ok(explained('/** What. */\nexport const one = 1;\nexport const two = 2;'));
  assert.ok(explained('/** What. */\nexport function one(): 1;\nexport function one(): 1 {'));
  assert.ok(!explained('/** What. */\nexport function one(): 1;\nexport function two(): 1 {'));
  assert.ok(!explained('// What.\nexport const one = 1;'));
  assert.ok(!explained('/* What. */\nexport class One {'));
  assert.ok(!explained('export const one = 1;'));
  assert.ok(!explained('/** What. */\nexport const one = 1;\n\nexport const two = 2;'));
  assert.ok(!explained('/** What. */\nexport const one = 1;\nexport class Two {'));
});
