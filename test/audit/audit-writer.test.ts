// The audit log on a real disk: what is written can be checked, and whatever is done to it shows.
import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AuditEvent } from '#audit/audit-event.ts';
import { auditFiles, changedFiles } from '#audit/audit-files.ts';
import { AuditWriter } from '#audit/audit-writer.ts';
import { verifyAudit } from '#audit/verify-audit.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';

const event = (user: string): AuditEvent => ({ event: 'denied', user, action: 'GET /status' });

const opened = (context: TestContext, fileBytes = 1_000_000, filesMax = 3) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-audit-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'audit', 'audit.log');
  const options = { path, node: 'n1', fileBytes, filesMax, files: systemFiles, clock: systemClock };
  const open = (): AuditWriter => {
    const writer = new AuditWriter(options);
    context.after(() => writer.close());
    return writer;
  };
  const lines = (): readonly string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);
  const verify = (expected?: { sequence: number; hash: string }) =>
    verifyAudit(auditFiles(path, systemFiles), systemFiles, expected);
  return { path, open, lines, verify };
};

const written = (context: TestContext) => {
  const audit = opened(context);
  const writer = audit.open();
  for (const user of ['a', 'b', 'c', 'd', 'e']) writer.append([event(user)]);
  writer.close();
  return { ...audit, head: writer.head };
};

test('AUD-01 a line says what, who and when, and the chain is whole', (context) => {
  const { path, lines, verify, head } = written(context);
  const fields = JSON.parse(lines()[1] ?? '') as Record<string, unknown>;
  assert.deepEqual(Object.keys(fields), [
    ...['v', 'seq', 'node', 'time', 'event', 'user', 'action', 'prev', 'hash'],
  ]);
  assert.equal(fields['seq'], 2);
  assert.match(String(fields['time']), /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(verify(), { lines: 5, first: 1, head, fault: undefined, tornBytes: 0 });
});

test('AUD-06 a line that is changed, taken out, put in or swapped shows, and where', (context) => {
  const { path, lines, verify } = written(context);
  const [one = '', two = '', three = '', four = '', five = ''] = lines();
  for (const [changed, line, reason] of [
    [[one, two.replace('"b"', '"x"'), three, four, five], 2, /changed/],
    [[one, two, four, five], 3, /line 3 should stand here, 4 does/],
    [[two, three, four, five], 0, undefined],
    [[one, three, two, four, five], 2, /line 2 should stand here/],
    [[one, two, two, three, four, five], 3, /line 3 should stand here, 2 does/],
    [[one, two, '{"event":"login"}', three, four, five], 3, /no line of an audit log/],
    [[one, two, `${three} `, four, five], 3, /changed/],
    [[one, two, '', three, four, five], 3, /no line/],
  ] as const) {
    writeFileSync(path, `${changed.join('\n')}\n`);
    const { fault, first } = verify();
    if (reason === undefined) {
      // Older lines may be rotated away: the number of the first one says so.
      assert.equal(fault, undefined);
      assert.equal(first, 2);
    } else {
      assert.equal(fault?.line, line);
      assert.match(fault.reason, reason);
    }
  }
});

test('AUD-06 lines taken from the end show against a line that was seen elsewhere', (context) => {
  const { path, lines, verify, head } = written(context);
  const all = lines();
  writeFileSync(path, `${all.slice(0, 3).join('\n')}\n`);
  assert.equal(verify().fault, undefined, 'by itself a shorter log is whole');
  assert.match(verify(head).fault?.reason ?? '', /line 5 is missing: the end was cut off/);
  writeFileSync(path, `${all.join('\n')}\n`);
  assert.equal(verify(head).fault, undefined);
  const other = { sequence: 2, hash: head.hash };
  assert.match(verify(other).fault?.reason ?? '', /line 2 is not the expected one/);
});

test('a log that is opened again goes on where it ended', (context) => {
  const { open, verify } = written(context);
  const writer = open();
  writer.append([event('f'), event('g')]);
  assert.equal(writer.head.sequence, 7);
  assert.deepEqual(verify(), {
    lines: 7,
    first: 1,
    head: writer.head,
    fault: undefined,
    tornBytes: 0,
  });
});

test('half a line, from a machine that stopped while it was written, is no damage and is said', (context) => {
  const { path, open, lines, verify } = written(context);
  appendFileSync(path, '{"v":1,"seq":6,"nod');
  assert.equal(verify().tornBytes, 19);
  const writer = open();
  writer.append([event('f')]);
  assert.match(lines()[0] ?? '', /"detail":"the last write before was cut off"/);
  const { fault, lines: count, tornBytes } = verify();
  assert.deepEqual([fault, count, tornBytes], [undefined, 6, 19]);
});

test('AUD-05 a file that is removed, cut or changed under the server does not stop the record, and is said', (context) => {
  const { path, open, lines, verify } = written(context);
  const writer = open();
  writer.append([event('f')]);
  rmSync(path);
  writer.append([event('g')]);
  assert.match(lines()[0] ?? '', /"seq":7.*"detail":"the file was removed"/);
  assert.equal(verify().first, 7, 'that lines are missing is plain from the number of the first');
  truncateSync(path, 10);
  writer.append([event('h')]);
  assert.match(lines()[0] ?? '', /"seq":8.*"detail":"the file was changed"/);
  writer.close();
  const text = readFileSync(path, 'utf8').replace('"h"', '"x"');
  writeFileSync(path, text);
  open().append([event('i')]);
  assert.match(lines()[0] ?? '', /"detail":"the last line of the file was changed"/);
  assert.ok(changedFiles(path, systemFiles).length >= 1, 'what was found is kept');
});

test('files are left at their size, the chain goes on in the next, the oldest is removed', (context) => {
  const { path, open, verify } = opened(context, 4096, 3);
  const writer = open();
  for (let count = 0; count < 100; count++) writer.append([event(`user-${count}`)]);
  const files = readdirSync(join(path, '..'));
  assert.equal(files.length, 3);
  for (const name of files) assert.ok(statSync(join(path, '..', name)).size < 4096 + 500);
  const { fault, first, head } = verify();
  assert.equal(fault, undefined);
  assert.ok(first > 1 && head.sequence === 100);
  const older = auditFiles(path, systemFiles)[0] ?? '';
  writeFileSync(older, readFileSync(older, 'utf8').replace('user-', 'xser-'));
  assert.equal(verify().fault?.file, older);
});

test('AUD-07 names with line ends, quotes and escapes stay within their line', (context) => {
  const { open, lines, verify } = opened(context);
  const names = ['a\nb', 'a","hash":"', '\u001b[31m', '\u2028', '{"v":1}', '\ud800'];
  open().append(names.map(event));
  assert.equal(lines().length, names.length);
  assert.equal(verify().fault, undefined);
  const second = JSON.parse(lines()[1] ?? '') as { user: string };
  assert.equal(second.user, 'a","hash":"');
  assert.equal(lines().join('').includes('\u001b'), false);
});
