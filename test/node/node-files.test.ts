// The files a node reads before it serves, as they should not be.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CodedError } from '#errors.ts';
import { systemFiles } from '#io/file-system.ts';
import { readPrivateText, readPublicText } from '#node/node-files.ts';

test('PERM-03 a key or a certificate that is a link is refused as such, with the way out', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-files-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const link = join(folder, 'peer.key');
  writeFileSync(join(folder, 'key'), 'secret', { mode: 0o600 });
  symlinkSync('key', link);
  for (const read of [readPrivateText, readPublicText]) {
    assert.throws(
      () => read(link, systemFiles),
      (error) => {
        assert.ok(error instanceof CodedError);
        assert.equal(error.code, 'file_permissions');
        assert.equal(error.message, `${link} is a symbolic link, which is not followed.`);
        assert.match(error.details.hint ?? '', /Name the file itself/);
        return true;
      },
    );
  }
});
