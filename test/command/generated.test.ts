// The generated code is checked in; it must be what the .proto files say.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

const contentsOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );

test('src/command/generated is what `npm run generate` makes of the .proto files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-generated-'));
  try {
    execFileSync(process.execPath, [join(root, 'tools', 'generate.mjs'), folder], {
      stdio: 'pipe',
    });
    const checkedIn = contentsOf(join(root, 'src', 'command', 'generated'));
    assert.deepEqual(checkedIn, contentsOf(folder), 'stale: run `npm run generate`');
    const protos = readdirSync(join(root, 'src', 'command')).filter((name) =>
      name.endsWith('.proto'),
    );
    assert.equal(Object.keys(checkedIn).length, protos.length * 2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
