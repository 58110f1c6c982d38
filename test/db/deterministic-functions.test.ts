// Functions whose answer depends on more than their arguments: fixed vectors for all replicas.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { defineDeterministicFunctions } from '#db/deterministic-functions.ts';
import { noBindings, openEngine, type SqlValue } from '#db/engine.ts';
import { listedFunctions } from '#db/function-list.ts';
import { entryTimeMs, seedOf } from './support.ts';

const folder = import.meta.dirname;

interface Deterministic {
  /** The first row of a query, under entry 1 and the given statement. */
  readonly row: (text: string, statement?: number) => readonly SqlValue[];
}

const deterministic = (t: TestContext): Deterministic => {
  const engine = openEngine(':memory:', { readonly: false, busyTimeoutMs: 0 });
  const functions = defineDeterministicFunctions(engine);
  t.after(() => {
    functions.close();
    engine.close();
  });
  return {
    row: (text, statement = 0) => {
      functions.startEntry(entryTimeMs, seedOf(1));
      functions.startStatement(statement);
      return engine.prepare(text).all(noBindings, true)[0] ?? [];
    },
  };
};

/** The same query with SQLite's own functions. */
const native = (t: TestContext, text: string): readonly SqlValue[] => {
  const engine = openEngine(':memory:', { readonly: false, busyTimeoutMs: 0 });
  t.after(() => {
    engine.close();
  });
  return engine.prepare(text).all(noBindings, true)[0] ?? [];
};

// Computed with Python's hashlib and the openssl command.
const vectors = {
  statement0: ['8213060549531929573', '-2942346009467680717'],
  statement1: ['7074198602384636067'],
  block: '71faa70e1da00be5a10e651cdb1921c528573562ffcb4a53b4c60920e44ddce2',
  stream: 'b5a18cdbb12f851a9860e2355635fc6c8003b4f46ed788b9d36dc568de7b4d4ec1a66f364a2304d0',
};

test('random numbers are a function of seed, statement and call: fixed vectors of version 1', (t) => {
  const { row } = deterministic(t);
  const hex = (value: SqlValue | undefined): string =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
  assert.deepEqual(row('SELECT random(), random()').map(String), vectors.statement0);
  assert.deepEqual(row('SELECT random()', 1).map(String), vectors.statement1);
  assert.equal(hex(row('SELECT randomblob(32)')[0]), vectors.block);
  assert.equal(hex(row('SELECT randomblob(40)')[0]), vectors.stream);
  assert.equal(hex(row('SELECT randomblob(0)')[0]), vectors.block.slice(0, 2));
  assert.equal(hex(row("SELECT randomblob('3x')")[0]), vectors.block.slice(0, 6));
});

test('randomblob beyond the largest value is an error of the statement', (t) => {
  const { row } = deterministic(t);
  assert.throws(() => row('SELECT randomblob(3000000000)'), { code: 'SQLITE_TOOBIG' });
});

test('total_changes() is an error: it differs by what a connection did before', (t) => {
  const { row } = deterministic(t);
  assert.throws(() => row('SELECT total_changes()'), /differs between nodes/);
});

const now = '2026-01-02 03:04:05.678';

const sameAs: readonly (readonly [overridden: string, asNative: string])[] = [
  ["datetime('now')", `datetime('${now}')`],
  ["datetime('NOW', 'subsec')", `datetime('${now}', 'subsec')`],
  ['datetime()', `datetime('${now}')`],
  ["datetime(x'6e6f77')", `datetime('${now}')`],
  ["datetime('subsec')", `datetime('${now}', 'subsec')`],
  ["datetime('subsecond', '+1 day')", `datetime('${now}', '+1 day', 'subsec')`],
  ['date()', `date('${now}')`],
  ["time('now', '+90 minutes')", `time('${now}', '+90 minutes')`],
  ['julianday()', `julianday('${now}')`],
  ["unixepoch('now')", `unixepoch('${now}')`],
  ["unixepoch('now', 'subsec')", `unixepoch('${now}', 'subsec')`],
  ["strftime('%Y-%m-%d %H:%M:%f %s %J')", `strftime('%Y-%m-%d %H:%M:%f %s %J', '${now}')`],
  ["strftime('%s', 'now', 'start of year')", `strftime('%s', '${now}', 'start of year')`],
  ["timediff('now', '2025-01-01')", `timediff('${now}', '2025-01-01')`],
  ["timediff('2027-01-01', 'now')", `timediff('2027-01-01', '${now}')`],
  ['CURRENT_TIMESTAMP', `datetime('${now}')`],
  ['CURRENT_DATE', `date('${now}')`],
  ['CURRENT_TIME', `time('${now}')`],
  ["datetime('now', 'localtime')", `datetime('${now}')`],
  ["datetime('2026-07-01 12:00', 'utc')", "datetime('2026-07-01 12:00')"],
  ["datetime(1714558830, 'unixepoch', 'localtime')", "datetime(1714558830, 'unixepoch')"],
  ["date(1714558830, 'localtime', 'unixepoch')", 'NULL'],
  ["datetime('now', 'unixepoch')", 'NULL'],
  ["datetime('now', 'julianday')", 'NULL'],
  ["datetime('nonsense')", 'NULL'],
  ['date(NULL)', 'NULL'],
  ['datetime(2460000.5)', 'datetime(2460000.5)'],
  ['datetime(9007199254740993)', 'datetime(9007199254740993)'],
  ["date('2024-01-31', '+1 month', 'weekday 0')", "date('2024-01-31', '+1 month', 'weekday 0')"],
  ['strftime()', 'strftime()'],
  ["strftime('%Y', NULL)", "strftime('%Y', NULL)"],
];

for (const [overridden, asNative] of sameAs) {
  test(`time functions mean the entry's time: ${overridden} is ${asNative}`, (t) => {
    const { row } = deterministic(t);
    assert.deepEqual(
      row(`SELECT ${overridden}, typeof(${overridden})`),
      native(t, `SELECT ${asNative}, typeof(${asNative})`),
    );
  });
}

const mathematics = [
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'exp',
  'ln',
  'log',
  'log10',
  'log2',
];
const operands = [
  '0',
  '1',
  '-1',
  '0.5',
  '2',
  '10',
  '-0.25',
  "'0.75'",
  "' 3 '",
  "'x'",
  'NULL',
  "x'31'",
  '1e300',
  "'1e2'",
];

test('mathematics agrees with the C library to the last bits, and on what is NULL', (t) => {
  const { row } = deterministic(t);
  const calls = mathematics.flatMap((name) => operands.map((operand) => `${name}(${operand})`));
  const pairs = ['pow', 'power', 'atan2', 'log'].flatMap((name) =>
    operands.flatMap((x) => operands.map((y) => `${name}(${x}, ${y})`)),
  );
  for (const call of [...calls, ...pairs]) {
    const [own] = row(`SELECT ${call}`);
    const [theirs] = native(t, `SELECT ${call}`);
    if (typeof own === 'number' && typeof theirs === 'number' && Number.isFinite(theirs)) {
      assert.ok(Math.abs(own - theirs) <= 4e-16 * Math.abs(theirs), `${call}: ${own}, ${theirs}`);
    } else {
      assert.deepEqual(own, theirs, call);
    }
  }
});

test('every function of the engine is classified', () => {
  const database = new Database(':memory:');
  const names = database.prepare('SELECT DISTINCT name FROM pragma_function_list').pluck().all();
  database.close();
  assert.deepEqual(
    names.filter((name) => !listedFunctions.has(String(name))),
    [],
  );
});

test('values do not depend on the time zone or the locale of the process', (t) => {
  const program = join(folder, 'print-functions-main.ts');
  const run = (env: Record<string, string>): string => {
    const { stdout, stderr } = spawnSync(process.execPath, [program], { env, encoding: 'utf8' });
    assert.equal(stderr, '');
    return stdout;
  };
  const plain = run({ TZ: 'UTC', LC_ALL: 'C' });
  assert.ok(plain.length > 100);
  assert.equal(run({ TZ: 'America/New_York', LC_ALL: 'tr_TR.UTF-8' }), plain);
  assert.equal(
    run({ TZ: 'Asia/Kathmandu', GLIBC_TUNABLES: 'glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F' }),
    plain,
  );
  assert.ok(t.name);
});

test('a log time that is no time of SQLite is the nearest one that is', (t) => {
  const engine = openEngine(':memory:', { readonly: false, busyTimeoutMs: 0 });
  const functions = defineDeterministicFunctions(engine);
  t.after(() => {
    functions.close();
    engine.close();
  });
  const nowAt = (timeMs: number): SqlValue | undefined => {
    functions.startEntry(timeMs, seedOf(1));
    return engine.prepare("SELECT datetime('now')").all(noBindings, true)[0]?.[0];
  };
  assert.equal(nowAt(Number.MAX_SAFE_INTEGER), '9999-12-31 23:59:59');
  assert.equal(nowAt(0), '1970-01-01 00:00:00');
});
