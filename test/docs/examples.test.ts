// The examples in config/: they can be read, name what an operator must set, and open nothing by
// being copied as they are.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';

const example = (name: string): string =>
  readFileSync(join(import.meta.dirname, '..', '..', 'config', name), 'utf8');

/** `a.b.c` of every setting that is no mapping. */
const keysOf = (value: unknown, path = ''): readonly string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) =>
        keysOf(inner, path === '' ? key : `${path}.${key}`),
      )
    : [path];

test('config/node.yaml sets everything that has no default', () => {
  const keys = new Set(keysOf(parse(example('node.yaml'), { strict: true })));
  for (const key of [
    ...['node.name', 'node.data', 'auth.file', 'http.certificate', 'http.key'],
    ...['peer.certificate', 'peer.key', 'peer.ca', 'audit.file'],
  ]) {
    assert.ok(keys.has(key), key);
  }
});

test('config/node.yaml turns nothing insecure on, not even as a comment', () => {
  assert.doesNotMatch(example('node.yaml'), /insecure|compat/);
});

/** A user of the auth file. */
interface User {
  readonly username: string;
  readonly password: string;
  readonly perms: readonly string[];
}

test('nobody can log in with config/auth.json as it is: no password in it is a hash', () => {
  const users = JSON.parse(example('auth.json')) as readonly User[];
  for (const { username, password, perms } of users) {
    assert.ok(perms.length > 0);
    assert.match(password, /^REPLACE THIS: /);
    // bcrypt and this server refuse more than 72 bytes, so the sentence is no password either.
    assert.ok(Buffer.byteLength(password) > 72, username);
  }
  assert.deepEqual(
    users.filter(({ perms }) => perms.includes('all')).map(({ username }) => username),
    ['admin'],
  );
});

test('config/stockade.service keeps the restrictions that the threat model counts on', () => {
  const lines = new Set(example('stockade.service').split('\n'));
  for (const line of [
    ...['User=stockade', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'PrivateTmp=yes'],
    ...['UMask=0077', 'StateDirectoryMode=0700', 'CapabilityBoundingSet=', 'LimitCORE=0'],
    ...['SystemCallFilter=@system-service', 'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX'],
    ...['RestartPreventExitStatus=2 78', 'KillMode=mixed'],
  ]) {
    assert.ok(lines.has(line), line);
  }
  assert.ok([...lines].some((line) => /^MemoryMax=\d+[MG]$/.test(line)));
});
