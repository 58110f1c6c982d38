// The audit log of a node: its thread on a real disk, what it says when that disk fails, and that
// nothing is lost when it works again.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { auditFiles } from '#audit/audit-files.ts';
import { verifyAudit } from '#audit/verify-audit.ts';
import { systemFiles } from '#io/file-system.ts';
import { AuditLog } from '#node/audit-log.ts';
import { createLogger } from '#node/logger.ts';

const opened = (context: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-audit-log-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'audit.log');
  const log = createLogger('silent', 'json', { node: 'n1', part: 'node' });
  const open = (): AuditLog =>
    new AuditLog({ path, node: 'n1', fileBytes: 1_000_000, filesMax: 3 }, log);
  const lines = (): readonly string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return { path, open, lines };
};

const recorded = (audit: AuditLog, user: string): Promise<boolean> =>
  new Promise((resolve) => audit.record([{ event: 'login', user }], resolve));

test('whoever is told that an event is durable finds it in the file', async (context) => {
  const { path, open, lines } = opened(context);
  const audit = open();
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, at) => recorded(audit, `user-${at}`)),
  );
  assert.ok(answers.every(Boolean));
  assert.equal(lines().length, 500);
  await audit.close({ event: 'stop' });
  assert.match(lines().at(-1) ?? '', /"event":"stop"/);
  assert.equal(verifyAudit(auditFiles(path, systemFiles), systemFiles).fault, undefined);
});

test('AUD-04 while the file cannot be written nobody is told that it was; later nothing is missing', async (context) => {
  const { path, open, lines } = opened(context);
  // A folder stands where the file must be: like a full or a broken disk, it refuses every write.
  mkdirSync(path);
  const audit = open();
  assert.equal(await recorded(audit, 'first'), false);
  assert.equal(await recorded(audit, 'second'), false);
  const failing = audit.state;
  assert.deepEqual([failing.fault, failing.lines, failing.lost], ['EISDIR', 0, 0]);
  rmdirSync(path);
  while (!(await recorded(audit, 'third'))) await new Promise((resolve) => setTimeout(resolve, 20));
  const { fault, lines: written, hash, waiting } = audit.state;
  assert.deepEqual([fault, written, waiting], ['', lines().length, 0]);
  assert.ok(lines().at(-1)?.includes(hash), 'the hash of the last line');
  const users = lines().map((line) => (JSON.parse(line) as { user: string }).user);
  assert.deepEqual(users.slice(0, 2), ['first', 'second']);
  await audit.close({ event: 'stop' });
  assert.equal(verifyAudit(auditFiles(path, systemFiles), systemFiles).fault, undefined);
});
