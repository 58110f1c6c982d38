// Codes to statuses: the page for users and the server must say the same.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CodedError, type ErrorCode, errorMeanings } from '#errors.ts';
import { codedAnswerFrom, codedBody, statusOf } from '#http/coded-answer.ts';

test('the statuses of docs/ERRORS.md are the ones that are sent', () => {
  const page = readFileSync(new URL('../../docs/ERRORS.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z_]+)` \| (\d+|none) \|/gm)];
  assert.equal(rows.length, Object.keys(errorMeanings).length);
  for (const [, code, status] of rows) {
    const expected = status === 'none' ? 500 : Number(status);
    assert.equal(statusOf(code as ErrorCode), expected, code);
  }
});

test('an error that is none of the catalogue is not described to clients', () => {
  const answer = codedAnswerFrom(new TypeError('x of undefined'));
  assert.equal(answer.code, 'internal');
  assert.doesNotMatch(answer.message, /undefined/);
});

test('an error body says what to do, what became of the data and how to find it in the log', () => {
  const error = new CodedError('queue_full', 'Full', { hint: 'Wait', applied: 'no' });
  assert.equal(
    codedBody(codedAnswerFrom(error), 'id-1').toString(),
    '{"error":"Full. Wait","code":"queue_full","requestId":"id-1","applied":"no"}',
  );
});
