// Query strings, Go's durations, Go's way to lay out JSON.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { goDurationMsFrom, goDurationText } from '#http/go-duration.ts';
import { goJsonString, prettyJson } from '#http/go-json.ts';
import { type Parameters, parametersFrom } from '#http/query-parameters.ts';

const read = (query: string): Parameters => {
  const parameters = parametersFrom(query);
  if (typeof parameters === 'string') return assert.fail(parameters);
  return parameters;
};

test('durations are read as Go reads them', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['0', 0],
    ['1s', 1000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['1.5s', 1500],
    ['.5s', 500],
    ['5.s', 5000],
    ['-1s', -1000],
    ['+1s', 1000],
    ['3us', 0.003],
    ['3µs', 0.003],
    ['1ns', 1e-6],
    ['', undefined],
    ['1', undefined],
    ['-', undefined],
    ['s', undefined],
    ['1 s', undefined],
    ['1d', undefined],
    ['1S', undefined],
    ['.s', undefined],
    ['1s2', undefined],
    ['--1s', undefined],
    ['1e3s', undefined],
    ['9999999999h', undefined],
  ];
  for (const [text, ms] of cases) assert.equal(goDurationMsFrom(text), ms, JSON.stringify(text));
});

test('a duration that is printed reads back as it was, to the microsecond', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (microseconds) => {
      const ms = microseconds / 1000;
      const back = goDurationMsFrom(goDurationText(ms)) ?? Number.NaN;
      assert.ok(Math.abs(back - ms) < 1e-3, goDurationText(ms));
    }),
  );
  assert.equal(goDurationText(0.1), '100µs');
  assert.equal(goDurationText(1500), '1.5s');
  assert.equal(goDurationText(0), '0s');
});

test('a freshness and a deadline of reads are not cut to the longest wait', () => {
  const long = read('freshness=1h2m3.5s&db_timeout=10m&timeout=1h&linearizable_timeout=1h');
  assert.equal(long.freshnessMs, 3_723_500);
  assert.equal(long.dbTimeoutMs, 600_000);
  assert.deepEqual([long.timeoutMs, long.linearizableTimeoutMs], [110_000, 110_000]);
  assert.equal(read('db_timeout=200h').dbTimeoutMs, 3_600_000);
  assert.equal(read('timeout=-1s').timeoutMs, 0);
});

test('an integer has 64 bits', () => {
  for (const text of ['0', '-1', '%2B7', '9223372036854775807', '-9223372036854775808', '007']) {
    read(`retries=${text}`);
  }
  for (const text of [
    '',
    '1.0',
    '1e3',
    '0x1',
    '9223372036854775808',
    '-9223372036854775809',
    '1 ',
  ]) {
    assert.equal(parametersFrom(`retries=${text}`), 'retries is not a valid integer', text);
  }
  assert.equal(read('trailing_logs=9223372036854775807').trailingLogs, Number.MAX_SAFE_INTEGER);
});

test('flags are true by being there, whatever they say', () => {
  for (const query of ['pretty', 'pretty=', 'pretty=yes', 'pretty=false', 'x&pretty']) {
    assert.equal(read(query).pretty, true, query);
  }
  assert.equal(read('Pretty').pretty, false);
  assert.equal(read('').pretty, false);
});

test('PP-06 the first of several values counts, and odd keys are only keys', () => {
  assert.equal(read('q=SELECT+1&q=SELECT%202').q, 'SELECT 1');
  assert.equal(read('__proto__=1&constructor=2&q=x').q, 'x');
  assert.equal(Object.hasOwn(Object.prototype, 'q'), false);
});

test('levels are read without regard to case; what is none is weak', () => {
  assert.equal(read('level=STRONG').level, 'strong');
  assert.equal(read('level=auto').level, 'auto');
  for (const query of ['level=', 'level=nonsense', 'level=weak', 'x']) {
    assert.equal(read(query).level, 'weak', query);
  }
});

test('values that are not valid are said in rqlite’s words', () => {
  const cases: readonly (readonly [string, string | RegExp])[] = [
    ['timeout=x', 'timeout is not a valid duration'],
    ['timeout=', 'timeout is not a valid duration'],
    ['db_timeout=5', 'db_timeout is not a valid duration'],
    ['linearizable_timeout=1d', 'linearizable_timeout is not a valid duration'],
    ['freshness=soon', 'freshness is not a valid duration'],
    ['retries=1.5', 'retries is not a valid integer'],
    ['trailing_logs=x', 'trailing_logs is not a valid integer'],
    ['freshness_strict', 'freshness_strict requires freshness'],
    ['q=', 'query parameter not set'],
    ['a;b', 'invalid semicolon separator in query'],
    ['q=%zz', 'invalid URL escape "%zz"'],
    ['q=%', 'invalid URL escape "%"'],
    ['q=%ff', 'the query holds bytes that are not UTF-8'],
  ];
  for (const [query, fault] of cases) assert.equal(parametersFrom(query), fault, query);
});

test('BIG-09 a query string of a thousand keys is refused', () => {
  const query = Array.from({ length: 1000 }, (_none, at) => `k${at}`).join('&');
  assert.equal(parametersFrom(query), 'more than 64 query parameters');
});

test('times are kept between nothing and less than an idle connection lives', () => {
  assert.equal(read('timeout=-1s').timeoutMs, 0);
  assert.equal(read('timeout=5h').timeoutMs, 110_000);
  assert.equal(read('db_timeout=0').dbTimeoutMs, undefined);
  assert.equal(read('db_timeout=2s').dbTimeoutMs, 2000);
});

test('pretty puts every element on a line and leaves values alone', () => {
  const compact = '{"a":[1,{"b":[]}],"c":{},"d":"x:{,\\"","e":12345678901234567890.10}';
  assert.equal(
    prettyJson(compact),
    `{
    "a": [
        1,
        {
            "b": []
        }
    ],
    "c": {},
    "d": "x:{,\\"",
    "e": 12345678901234567890.10
}`,
  );
});

test('pretty changes nothing but white space', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const compact = JSON.stringify(value);
      assert.equal(prettyJson(compact), JSON.stringify(value, undefined, 4), compact);
    }),
  );
});

test('strings are escaped as Go escapes them', () => {
  assert.equal(goJsonString('<a>&\u2028"'), '"\\u003ca\\u003e\\u0026\\u2028\\""');
});
