// Each source of difference that replicas which run statements have, on real writer processes that
// are started differently: other time zones, languages, CPUs, batches, restarts, kills. The same
// database everywhere, or refused before the log.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CommittedEntry } from '#db/writer.ts';
import { frameBytesMax } from '#limits.ts';
import { applyEntries, startWriter, stopWriter } from '#node/seams/writer-seam.ts';
import { spawnChild } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { contentIn } from '#test/db/invariance/database-content.ts';
import { judgeLog } from '#test/db/invariance/judged-log.ts';

/** How a writer is started, and how often it is started again. */
interface Course {
  readonly environment: Readonly<Record<string, string>>;
  readonly batch: number;
  /** After so many batches the writer is stopped (odd times) or killed (even times). */
  readonly restartEvery: number;
}

const courses: readonly Course[] = [
  { environment: { TZ: 'UTC', LC_ALL: 'C' }, batch: 1000, restartEvery: 1000 },
  {
    environment: { TZ: 'America/New_York', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' },
    batch: 1,
    restartEvery: 25,
  },
  {
    environment: {
      TZ: 'Asia/Kathmandu',
      LC_ALL: 'de_DE.UTF-8',
      GLIBC_TUNABLES: 'glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F,-AVX',
    },
    batch: 3,
    restartEvery: 7,
  },
  {
    environment: {
      TZ: 'Pacific/Apia',
      LC_ALL: 'ar_EG.UTF-8',
      GLIBC_TUNABLES: 'glibc.cpu.hwcaps=-AVX512F,-AVX512DQ',
    },
    batch: 7,
    restartEvery: 2,
  },
];

const numbers = `json_each('[${Array.from({ length: 60 }, (_, at) => ((at * 7919) % 997) / 61 - 3).join()}]')`;

/** Sources and statements that would show them; a command each. */
const sources: readonly (readonly [source: string, ...statements: readonly string[]])[] = [
  [
    'time functions',
    "CREATE TABLE time(a DEFAULT CURRENT_TIMESTAMP, b DEFAULT (datetime('now', 'localtime')), c)",
    "INSERT INTO time(c) VALUES(strftime('%Y-%m-%d %H:%M:%f %w %j %s', 'now', 'localtime'))",
    "INSERT INTO time(c) VALUES(julianday('2026-07-01 12:00', 'utc')), (unixepoch('now', 'subsec'))",
    "INSERT INTO time(c) SELECT datetime(value * 1e9, 'unixepoch', 'localtime') FROM json_each('[0, 1, 1.7]')",
    "INSERT INTO time(c) VALUES(CURRENT_DATE), (CURRENT_TIME), (timediff('now', '2020-02-29'))",
  ],
  [
    'random',
    'CREATE TABLE chance(a DEFAULT (random()), b)',
    'INSERT INTO chance(b) VALUES(randomblob(40)), (abs(random() % 100))',
    "INSERT INTO chance(b) SELECT value FROM json_each('[1,2,3,4,5,6,7,8]') ORDER BY random() LIMIT 4",
    'UPDATE chance SET b = random() WHERE random() > 0',
    'CREATE TRIGGER dice AFTER INSERT ON chance WHEN new.b = 7 BEGIN INSERT INTO chance(b) VALUES(random()); END',
    'INSERT INTO chance(b) VALUES(7)',
  ],
  [
    'mathematics',
    'CREATE TABLE math(f, x, y)',
    ...[
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
      'log2',
      'sqrt',
      'degrees',
      'radians',
    ].map((name) => `INSERT INTO math SELECT '${name}', value, ${name}(value) FROM ${numbers}`),
    `INSERT INTO math SELECT 'pow', a.value, pow(abs(a.value), b.value) FROM ${numbers} a, ${numbers} b LIMIT 900`,
    `INSERT INTO math SELECT 'atan2', a.value, atan2(a.value, b.value) + log(abs(a.value) + 2, abs(b.value) + 2) FROM ${numbers} a, ${numbers} b LIMIT 900`,
  ],
  [
    'collations and letters',
    'CREATE TABLE word(a TEXT COLLATE NOCASE UNIQUE, b)',
    "INSERT OR IGNORE INTO word VALUES('istanbul', 1), ('ISTANBUL', 2), ('İstanbul', 3), ('ıstanbul', 4), ('straße', 5), ('STRASSE', 6)",
    "UPDATE word SET b = upper(a) || lower('İIıi') || (a LIKE 'İ%') || (a GLOB '[a-z]*')",
    'CREATE TABLE sorted AS SELECT a, row_number() OVER (ORDER BY a COLLATE NOCASE, a) AS n FROM word',
    'INSERT INTO word SELECT a COLLATE icu, 1 FROM word',
    'CREATE VIRTUAL TABLE letters USING fts5(a)',
    'INSERT INTO letters SELECT a FROM word',
    "INSERT INTO word SELECT 'found ' || a, rank FROM letters WHERE letters MATCH 'istanbul OR straße'",
    "INSERT INTO word VALUES(unistr('\\\\00e9') || char(304, 8490) || soundex('Robert'), unicode('İ'))",
  ],
  [
    'rowids',
    'CREATE TABLE ids(a)',
    'INSERT INTO ids VALUES(1), (2), (3)',
    'DELETE FROM ids WHERE a = 3',
    'INSERT INTO ids VALUES(last_insert_rowid())',
    'INSERT INTO ids(rowid, a) VALUES(9223372036854775807, 1)',
    'INSERT INTO ids(rowid, a) VALUES(9223372032559808511, 1)',
    'INSERT INTO ids VALUES(9)',
    'INSERT INTO ids SELECT rowid FROM ids ORDER BY rowid DESC LIMIT 2',
  ],
  [
    'sqlite_sequence',
    'CREATE TABLE seq(id INTEGER PRIMARY KEY AUTOINCREMENT, u UNIQUE)',
    'INSERT INTO seq(u) VALUES(1), (2)',
    'DELETE FROM seq',
    'INSERT INTO seq(u) VALUES(3)',
    'INSERT OR IGNORE INTO seq(id, u) VALUES(100, 3)',
    'INSERT OR IGNORE INTO seq(id, u) VALUES(9223372036854775807, 3)',
    'INSERT INTO seq(u) SELECT seq FROM sqlite_sequence',
  ],
  [
    'plans and statistics',
    'CREATE TABLE big(a, b, c)',
    `INSERT INTO big SELECT value * 10 % 7, value * 61 % 3, value FROM ${numbers}`,
    'CREATE INDEX big_a ON big(a)',
    'CREATE INDEX big_b ON big(b, a)',
    'CREATE TABLE picked AS SELECT c FROM big WHERE a = 1 OR b = 2 LIMIT 7',
    'ANALYZE',
    'INSERT INTO picked SELECT c FROM big WHERE a > 0 AND b > 0 LIMIT 7',
    'INSERT INTO picked SELECT x.c FROM big x JOIN big y ON x.a = y.b LIMIT 9',
    'DELETE FROM big WHERE rowid IN (SELECT rowid FROM big WHERE b = 1 LIMIT 3)',
    'ANALYZE big',
    'INSERT INTO picked SELECT c FROM big WHERE a > 0 AND b > 0 LIMIT 7',
    'INSERT INTO picked SELECT count(*) FROM sqlite_stat1',
  ],
  [
    'changes and last_insert_rowid',
    'CREATE TABLE counted(a, b)',
    'INSERT INTO counted VALUES(changes(), last_insert_rowid())',
    'INSERT INTO counted VALUES(changes(), last_insert_rowid()), (changes(), last_insert_rowid())',
    'UPDATE counted SET a = changes() + last_insert_rowid()',
    'DELETE FROM counted WHERE a = changes()',
  ],
  [
    'floats as text',
    'CREATE TABLE float(a, b TEXT)',
    `INSERT INTO float SELECT value, value FROM ${numbers}`,
    "INSERT INTO float VALUES(0.1 + 0.2, CAST(0.1 + 0.2 AS TEXT)), (1e23, 1e23 || ''), (5e-324, quote(5e-324)), (1.7976931348623157e308, printf('%.17g', 1.7976931348623157e308))",
    "INSERT INTO float VALUES('1.7976931348623157e308' + 0, '0.1e-5' + 0), (9007199254740993.0, round(2.675, 2)), (1e999, -1e999)",
    "INSERT INTO float SELECT sum(a), printf('%,d %!.15f %e %g', sum(a) * 1e6, avg(a), total(a), max(a)) FROM float WHERE abs(a) < 100",
    "INSERT INTO float SELECT json_group_array(a), json_object('a', a / 3) FROM float WHERE abs(a) < 100",
  ],
  [
    'settings of the connection',
    'CREATE TABLE loop(a)',
    'CREATE TRIGGER again AFTER INSERT ON loop WHEN new.a < 5 BEGIN INSERT INTO loop VALUES(new.a + 1); END',
    'INSERT INTO loop VALUES(1)',
    'CREATE TABLE child(p REFERENCES parent(id))',
    'CREATE TABLE parent(id INTEGER PRIMARY KEY)',
    'INSERT INTO child VALUES(7)',
    "INSERT INTO loop SELECT 'A' LIKE 'a' FROM loop LIMIT 1",
    'INSERT INTO loop SELECT a FROM loop LIMIT 3',
  ],
];

/** Refused before the log, on whatever node they arrive. */
const refused: readonly string[] = [
  'INSERT INTO ids VALUES(total_changes())',
  'INSERT INTO ids VALUES(sqlite_version())',
  'INSERT INTO ids VALUES(sqlite_source_id())',
  "INSERT INTO letters VALUES(fts5_locale('tr', 'x'))",
  'INSERT INTO ids SELECT name FROM pragma_function_list',
  'INSERT INTO ids SELECT block FROM letters_data',
  'INSERT INTO ids SELECT rootpage FROM sqlite_schema',
  "UPDATE sqlite_sequence SET seq = 9 WHERE name = 'seq'",
  'DELETE FROM sqlite_stat1',
  'CREATE TABLE twice AS SELECT 1 AS a, 2 AS a',
  'CREATE INDEX timed ON time(datetime(a))',
  "CREATE TABLE timed(a, b AS (strftime('%s', a)))",
  'PRAGMA case_sensitive_like = ON',
  'PRAGMA reverse_unordered_selects = ON',
  'PRAGMA recursive_triggers = ON',
  'PRAGMA automatic_index = OFF',
  'PRAGMA optimize',
  'CREATE TEMP TABLE local(a)',
];

const program = fileURLToPath(new URL('../../src/node/writer-main.ts', import.meta.url));

/** Applies the log in writer processes of one environment. */
const applyIn = async (
  folder: string,
  entries: readonly CommittedEntry[],
  { environment, batch, restartEvery }: Course,
): Promise<string> => {
  let chain = '';
  for (let from = 0, starts = 0; from < entries.length; starts += 1) {
    const child = spawnChild({
      file: program,
      execArguments: [],
      title: 'stockade-writer',
      takesHandle: false,
      shellLimits: 'ulimit -c 0',
      environment,
    });
    const seam = new Seam(child.stream, { frameBytesMax, onClose: () => undefined });
    const started = await seam.ask(startWriter, {
      folder,
      cluster: 'c',
      foreignKeys: false,
      changeBytes: 0,
      generation: undefined,
    });
    assert.equal(started.kind, 'open', JSON.stringify(started));
    for (let count = 0; count < restartEvery && from < entries.length; count += 1) {
      const applied = await seam.ask(applyEntries, entries.slice(from, from + batch));
      from = applied.appliedIndex;
      chain = Buffer.from(applied.outcomeChain).toString('hex');
    }
    if (starts % 2 === 0) await seam.ask(stopWriter, undefined);
    else child.kill();
    await child.ended;
  }
  return `${chain}\n${contentIn(folder)}`;
};

/** What SQLite's own functions give in a process of this environment. */
const nativeIn = (environment: Readonly<Record<string, string>>): string => {
  const text = `WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c LIMIT 5000)
    SELECT datetime('2026-07-01 12:00', 'localtime') || group_concat(
      printf('%!.17g %!.17g %!.17g', exp(x / 777.7), sin(x * 1.37), pow(x / 3.1, x / 5000.0)))
    FROM c`;
  const script = `const Database = require('better-sqlite3');
    console.log(new Database(':memory:').prepare(${JSON.stringify(text)}).pluck().get())`;
  const { stdout } = spawnSync(process.execPath, ['-e', script], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: environment,
    encoding: 'utf8',
  });
  return stdout;
};

test('every source of difference: equal on writers of other zones, languages, CPUs and histories, or refused', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'stockade-matrix-'));
  t.after(() => rmSync(parent, { recursive: true }));
  const texts = sources.flatMap(([, ...statements]) => statements);
  const commands = [
    ...texts.map((text, at) => ({ texts: [text], transaction: at % 3 === 0 })),
    ...refused.map((text) => ({ texts: [text], transaction: false })),
  ];
  const log = judgeLog(join(parent, 'leader'), { foreignKeys: false, commands });
  // Each of those that had to be refused was, and nothing else.
  assert.equal(log.refused, refused.length);
  assert.equal(log.entries.length, texts.length);
  const results = await Promise.all(
    courses.map((course, at) => applyIn(join(parent, String(at)), log.entries, course)),
  );
  const [expected = ''] = results;
  assert.ok(expected.includes(`\n${contentIn(join(parent, 'leader')).split('\n')[1] ?? '?'}`));
  for (const [at, found] of results.entries()) {
    const [one, other] = [expected.split('\n'), found.split('\n')];
    for (const [line, text] of one.entries()) {
      assert.equal(other[line], text, `course ${at}: ${text.slice(0, 60)}`);
    }
  }
  const natives = courses.map(({ environment }) => nativeIn(environment));
  // SQLite by itself differs in these environments: the time zone always, the CPU where it has FMA.
  assert.equal(new Set(natives.map((native) => native.slice(0, 19))).size, courses.length);
  const mathematics = new Set(natives.map((native) => native.slice(19))).size;
  t.diagnostic(
    `${log.entries.length} entries on ${courses.length} courses, ${refused.length} refused`,
  );
  t.diagnostic(
    `SQLite's own mathematics gave ${mathematics} different results under these CPU masks`,
  );
});
