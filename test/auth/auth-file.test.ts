// The auth file: what is read, and everything that must be refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authFileFrom } from '#auth/auth-file.ts';
import type { AuthFileRules } from '#auth/file-user.ts';
import { CodedError } from '#errors.ts';

const hash = `$2b$12$${'a'.repeat(53)}`;
const admin = `{"username":"root","password":"${hash}","perms":["all"]}`;
const strict: AuthFileRules = { plaintextPasswords: false, anonymousPermissions: ['ready'] };

const refusal = (text: string, rules: AuthFileRules = strict): string => {
  try {
    authFileFrom(text, rules);
  } catch (error) {
    assert.ok(error instanceof CodedError);
    assert.equal(error.code, 'auth_file_invalid');
    return error.message;
  }
  return assert.fail(`accepted: ${text}`);
};

test('a file as rqlite has it is read, every entry by itself', () => {
  const users = authFileFrom(
    `[${admin}, {"username":"bob","password":"${hash}","perms":["query","execute"]}]`,
    strict,
  );
  assert.deepEqual([...users.keys()], ['root', 'bob']);
  assert.deepEqual([...(users.get('bob')?.permissions ?? [])], ['query', 'execute']);
  assert.deepEqual(users.get('bob')?.credential, { kind: 'bcrypt', hash, cost: 12 });
});

test('all three spellings of bcrypt are hashes, at costs from 10 to 14', () => {
  for (const start of ['$2a$10$', '$2b$14$', '$2y$12$']) {
    const text = `[{"username":"root","password":"${start}${'a'.repeat(53)}","perms":["all"]}]`;
    assert.equal(authFileFrom(text, strict).get('root')?.credential.kind, 'bcrypt');
  }
});

test('AUTH-10 a user listed twice is refused with the line of the second', () => {
  assert.equal(refusal(`[${admin},\n${admin}]`), 'line 2: the user root is listed twice');
});

test('AUTH-11 a key given twice is refused, however it is spelled', () => {
  const twice = `[{"username":"root","password":"${hash}",\n"perms":["query"],"p\\u0065rms":["all"]}]`;
  assert.equal(refusal(twice), 'line 2: the key "perms" is given twice');
});

test('AUTH-12 an unknown permission and an unknown key are refused', () => {
  const text = (perm: string): string =>
    `[{"username":"root",\n"password":"${hash}",\n"perms":["all",\n"${perm}"]}]`;
  assert.match(refusal(text('queries')), /^line 4: unknown permission "queries"/);
  assert.match(refusal(text('ALL')), /unknown permission "ALL"/);
  for (const name of ['constructor', '__proto__', 'toString']) {
    assert.match(refusal(text(name)), /unknown permission/);
    assert.match(refusal(`[{"username":"root","${name}":1}]`), /unknown key/);
  }
});

test('AUTH-13 an entry with a missing field inherits nothing and is refused', () => {
  const first = `{"username":"root","password":"${hash}","perms":["all"]}`;
  assert.equal(
    refusal(`[${first},\n{"username":"bob","password":"${hash}"}]`),
    'line 2: a user has no "perms" (an empty list is allowed)',
  );
  assert.equal(
    refusal(`[${first},\n{"username":"bob","perms":[]}]`),
    'line 2: a user has no "password"',
  );
  assert.equal(refusal(`[${first},{"perms":[]}]`), 'line 1: a user has no "username"');
});

test('AUTH-14 a password that is no hash is refused unless plain text is allowed', () => {
  const text = `[{"username":"root","password":"secret","perms":["all"]}]`;
  assert.match(refusal(text), /the password is no bcrypt hash/);
  assert.ok(!refusal(text).includes('secret'));
  const users = authFileFrom(text, { ...strict, plaintextPasswords: true });
  assert.deepEqual(users.get('root')?.credential, { kind: 'plaintext', password: 'secret' });
});

test('AUTH-15 hashes that cost too little or too much, or are none, are refused in every mode', () => {
  for (const password of [
    `$2b$04$${'a'.repeat(53)}`,
    `$2b$20$${'a'.repeat(53)}`,
    `$2x$12$${'a'.repeat(53)}`,
    `$2b$12$${'a'.repeat(52)}`,
    `$2b$12$${'a'.repeat(54)}`,
  ]) {
    const text = `[{"username":"root","password":"${password}","perms":["all"]}]`;
    assert.match(refusal(text), /looks like a bcrypt hash/);
    assert.match(refusal(text, { ...strict, plaintextPasswords: true }), /looks like a bcrypt/);
  }
});

test('AUTH-15 text that is not exactly one JSON array of users is refused with its line', () => {
  assert.equal(refusal(`[${admin},\n]`), 'line 2: a comma stands before ]');
  assert.equal(refusal(`[${admin}]\nx`), 'line 2: something follows the value');
  assert.match(refusal('{}'), /must be an array/);
  assert.match(refusal('[1]'), /must be an object/);
  assert.match(refusal(''), /a value is missing/);
  assert.match(refusal('[[[[[[[[[[]]]]]]]]]]'), /nested deeper/);
});

test('AUTH-12 a deadline out of range and a token with an unknown permission are refused with their line', () => {
  const text = (rest: string): string =>
    `[${admin},\n{"username":"bob","password":null,"perms":[],${rest}}]`;
  for (const value of ['9', '3600001', '1.5', '"5s"', 'null', '-100', '1e9']) {
    assert.match(
      refusal(text(`"statement_deadline_ms":${value}`)),
      /^line 2: "statement_deadline_ms" must/,
    );
  }
  const users = authFileFrom(text('"statement_deadline_ms":250'), strict);
  assert.equal(users.get('bob')?.deadlineMs, 250);
  const token = (perms: string): string =>
    `"tokens":[{"id":"${'a'.repeat(16)}","sha256":"${'b'.repeat(64)}","expires":"2099-01-01T00:00:00Z","perms":${perms}}]`;
  assert.match(refusal(text(token('["queries"]'))), /^line 2: unknown permission "queries"/);
  assert.match(refusal(text(token('"query"'))), /"perms" must be an array/);
  const [first] = authFileFrom(text(token('[]')), strict).get('bob')?.tokens ?? [];
  assert.deepEqual(first?.permissions, [], 'an empty list opens nothing');
});

test('a file without an administrator is refused', () => {
  assert.match(refusal('[]'), /no user holds "all" or "admin"/);
  assert.match(
    refusal(`[{"username":"bob","password":"${hash}","perms":["query"]}]`),
    /no user holds/,
  );
  const users = authFileFrom(`[{"username":"bob","password":"${hash}","perms":["admin"]}]`, strict);
  assert.equal(users.size, 1);
});

test('AZ-06 the user * may hold health only, unless the operator names more', () => {
  const text = (perms: string): string => `[${admin},{"username":"*","perms":[${perms}]}]`;
  assert.equal(authFileFrom(text('"ready"'), strict).get('*')?.credential.kind, 'none');
  assert.match(refusal(text('"query"')), /the user \* may not hold "query"/);
  const open = { ...strict, anonymousPermissions: ['query'] as const };
  assert.ok(authFileFrom(text('"query"'), open).has('*'));
  assert.match(
    refusal(`[${admin},{"username":"*","password":"${hash}","perms":[]}]`),
    /has no password/,
  );
});

test('PP-02 names that mean something to JavaScript are users without permissions', () => {
  const text = `[${admin},{"username":"constructor","password":"${hash}","perms":[]}]`;
  const users = authFileFrom(text, strict);
  assert.deepEqual([...(users.get('constructor')?.permissions ?? [])], []);
  assert.equal(users.get('toString'), undefined);
});

const rules = (extra: string): string =>
  `[${admin}, {"username": "u", "password": "${hash}", "perms": ["query"], ${extra}}]`;

test('AUTH-14 rules of a user are read strictly: a mistake is refused, not taken for no rule', () => {
  const token = `"id": "${'a'.repeat(16)}", "sha256": "${'b'.repeat(64)}"`;
  for (const [extra, reason] of [
    ['"allow_from": []', /1 to 100 ranges/],
    ['"allow_from": "10.0.0.0/8"', /"allow_from" must be an array/],
    ['"allow_from": ["10.0.0.1/8"]', /bits behind its prefix/],
    ['"tables": ["t"]', /"tables" must be an object/],
    ['"tables": {"reed": ["t"]}', /unknown key "reed"/],
    ['"tables": {"read": "t"}', /"read" must be an array/],
    ['"tables": {"read": [""]}', /the name of a table/],
    ['"tokens": {}', /"tokens" must be an array/],
    [`"tokens": [{${token}}]`, /"expires" must be a string/],
    [`"tokens": [{${token}, "expires": "tomorrow"}]`, /must be a time/],
    [`"tokens": [{${token}, "expires": "2027-01-31"}]`, /must be a time/],
    [`"tokens": [{"id": "x", "sha256": "y", "expires": "z"}]`, /16 hexadecimal digits/],
    [`"tokens": [{${token}, "expires": "2027-01-31T00:00:00Z", "secret": "s"}]`, /unknown key/],
  ] as const) {
    assert.match(refusal(rules(extra)), reason, extra);
  }
  const valid = `{${token}, "expires": "2027-01-31T00:00:00Z", "note": "ci"}`;
  assert.match(refusal(rules(`"tokens": [${valid}, ${valid}]`)), /the token a+ is listed twice/);
  const users = authFileFrom(rules(`"tokens": [${valid}], "tables": {"read": ["T"]}`), strict);
  assert.equal(users.get('u')?.tokens[0]?.expiresMs, Date.UTC(2027, 0, 31));
  assert.equal(
    users.get('u')?.tables?.lackedBy({ access: 'read', reads: ['t'], writes: [] }),
    undefined,
  );
});

test('AUTH-14 rules about tables cannot bind who reaches all of them anyway', () => {
  for (const permission of ['all', 'backup', 'load']) {
    const user = `{"username": "u", "password": "${hash}", "perms": ["${permission}"], "tables": {}}`;
    assert.match(refusal(`[${admin}, ${user}]`), /"tables" cannot bind/, permission);
  }
});

test('a user whose password is null has none; the field cannot be left out', () => {
  const users = authFileFrom(
    `[${admin}, {"username": "u", "password": null, "perms": []}]`,
    strict,
  );
  assert.deepEqual(users.get('u')?.credential, { kind: 'none' });
});
