// A CA key beside a node's certificates is found; what cannot be read is no reason not to start.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority } from '#certs-tool/authority.ts';
import { type FileSystem, systemFiles } from '#io/file-system.ts';
import { refuseAuthorityKeys } from '#node/check/authority-keys.ts';
import { cluster, issueHostile } from '../tls/hostile-certificates.ts';

test('a key of a CA beside the certificates is refused; one that this user cannot read is passed over', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-keys-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const authority = createAuthority({ kind: 'peer', cluster });
  const path = (name: string): string => join(folder, name);
  writeFileSync(path('ca.crt'), authority.certificate);
  writeFileSync(path('own.key'), issueHostile().key);
  const place = { certificate: path('peer.crt'), key: path('own.key'), ca: path('ca.crt') };
  const config = { peer: place, http: { ...place, clientCa: undefined } } as never;
  const unreadable = (error: NodeJS.ErrnoException, only: string): FileSystem => ({
    ...systemFiles,
    open: (file, access) => {
      if (file === path(only)) throw error;
      return systemFiles.open(file, access);
    },
  });
  assert.doesNotThrow(() => refuseAuthorityKeys(config, systemFiles));
  writeFileSync(path('stray.key'), authority.key);
  assert.throws(() => refuseAuthorityKeys(config, systemFiles), { code: 'file_permissions' });
  const denied = Object.assign(new Error('EACCES'), { code: 'EACCES' });
  assert.doesNotThrow(() => refuseAuthorityKeys(config, unreadable(denied, 'stray.key')));
});
