// What the coverage program calls a piece of code that never ran.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoveredText } from '../../tools/covered-text.ts';

const source = `const pick = (n: number) => {
  if (n > 1) {
    return 'many'; // more than one
  }
  return n === 1 ? 'one' : unreachable(n);
};
`;

const rangeOf = (piece: string, count: number) => {
  const startOffset = source.indexOf(piece);
  assert.ok(startOffset >= 0, piece);
  return { startOffset, endOffset: startOffset + piece.length, count };
};

/** What V8 says of one process in which these pieces of the function were not run. */
const processThatMissed = (...pieces: readonly string[]) => ({
  url: 'file:///pick.ts',
  functions: [
    {
      ranges: [
        { startOffset: 0, endOffset: source.length, count: 1 },
        ...pieces.map((piece) => rangeOf(piece, 0)),
      ],
    },
  ],
});

const many = "{\n    return 'many'; // more than one\n  }";
const after = "return n === 1 ? 'one' : unreachable(n);";

test('a piece that no process ran is named with its line, one that some process ran is not', () => {
  const text = new CoveredText(source);
  text.add(processThatMissed(many, after));
  text.add(processThatMissed(many));
  assert.deepEqual(text.neverRun(), [
    { line: 2, code: "{ return 'many'; // more than one }", within: 'if (n > 1) {' },
  ]);
  text.add(processThatMissed());
  assert.deepEqual(text.neverRun(), []);
});

test('what runs inside of something that did not run counts as run, and types make it unreachable', () => {
  const text = new CoveredText(source);
  const { url, functions } = processThatMissed(after, ' : unreachable(n)');
  text.add({ url, functions: [...functions, { ranges: [rangeOf("'one'", 3)] }] });
  assert.deepEqual(
    text.neverRun().map(({ code }) => code),
    ['return n === 1 ?'],
  );
});

test('comments, brackets and blanks are no code', () => {
  const text = new CoveredText('{ }\n// nothing\n/* still\nnothing */;');
  assert.deepEqual(text.neverRun(), []);
});
