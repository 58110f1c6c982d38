// Errors of this machine are never the result of a command.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { isMachineError } from '#db/machine-errors.ts';
import { executed, temporaryFolder, writerIn } from './support.ts';

test('the extended code decides whether an error is of this machine or of the statement', () => {
  const machine = [
    'SQLITE_FULL',
    'SQLITE_IOERR',
    'SQLITE_IOERR_WRITE',
    'SQLITE_NOMEM',
    'SQLITE_CORRUPT',
    'SQLITE_BUSY',
    'SQLITE_BUSY_SNAPSHOT',
    'SQLITE_LOCKED',
    'SQLITE_CANTOPEN',
    'SQLITE_CANTOPEN_ISDIR',
    'SQLITE_PROTOCOL',
    'SQLITE_INTERRUPT',
    'SQLITE_READONLY_DBMOVED',
    'SQLITE_NOTADB',
  ];
  const statement = [
    'SQLITE_ERROR',
    'SQLITE_CONSTRAINT_UNIQUE',
    'SQLITE_CONSTRAINT_FOREIGNKEY',
    'SQLITE_TOOBIG',
    'SQLITE_MISMATCH',
    'SQLITE_CORRUPT_VTAB',
    'SQLITE_CORRUPT_INDEX',
    'SQLITE_ERROR_RETRY',
  ];
  for (const code of machine) assert.equal(isMachineError(code), true, code);
  for (const code of statement) assert.equal(isMachineError(code), false, code);
});

test("an error of the disk stops the writer at the last entry that fits, and is no entry's result", (t) => {
  const folder = temporaryFolder(t);
  const first = writerIn(t, folder);
  executed(first, ['CREATE TABLE t(a)']);
  first.close();
  // A file may not grow beyond 400 blocks of 1 kB, whatever the disk has room for.
  const program = join(import.meta.dirname, 'fill-disk-main.ts');
  const shell = 'trap \'\' XFSZ; ulimit -f 400; exec "$0" "$@"';
  const limited = spawnSync('sh', ['-c', shell, process.execPath, program, folder], {
    encoding: 'utf8',
    env: {},
  });
  assert.equal(limited.stderr, '');
  const report: unknown = JSON.parse(limited.stdout);
  assert.ok(
    typeof report === 'object' && report !== null && 'applied' in report && 'code' in report,
  );
  assert.ok(report.code === 'storage_failed' || report.code === 'disk_full', limited.stdout);
  const applied = Number(report.applied);
  // In a batch of ten those before the one that does not fit are applied, each by itself.
  assert.ok(applied > 1 && applied % 10 !== 1, limited.stdout);
  const writer = writerIn(t, folder);
  assert.equal(writer.state.appliedIndex, applied);
  assert.match(
    executed(writer, ['SELECT count(*) FROM t'], { render: 17 }),
    new RegExp(`\\[\\[${applied - 1}\\]\\]`),
  );
});
