// A cluster whose CA keys are under a passphrase and that enforces foreign keys: newcomers are
// signed for with the passphrase, and learn the setting from their admission.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { stockade } from './cluster.ts';
import { FormedCluster } from './formed-cluster.ts';

const passphrase = 'correct horse battery staple';
let cluster: FormedCluster;
let passphraseFile = '';

before(async () => {
  cluster = await FormedCluster.prepare();
  passphraseFile = join(cluster.folder, 'passphrase');
  writeFileSync(passphraseFile, `${passphrase}\n`, { mode: 0o600 });
});
after(() => cluster.remove());

test('init seals the CA keys, signs a join with the passphrase, and the newcomer sets foreign keys by itself', async () => {
  const more = ['--passphrase-file', passphraseFile, '--foreign-keys'];
  const [token = ''] = await cluster.init(['n2'], more);
  for (const kind of ['peer', 'client']) {
    const key = join(cluster.data(0), 'authority', `${kind}-ca.g1.key`);
    assert.match(readFileSync(key, 'utf8'), /BEGIN STOCKADE SEALED KEY/);
  }
  await cluster.join(1, token).says(/n2 is a member/);
  assert.match(readFileSync(join(cluster.data(1), 'node.yaml'), 'utf8'), /foreignKeys: true/);
  await cluster.execute(
    0,
    'CREATE TABLE parent (id INTEGER PRIMARY KEY)',
    'CREATE TABLE child (parent INTEGER REFERENCES parent)',
  );
  for (const at of [0, 1]) {
    const text = await cluster.execute(at, 'INSERT INTO child VALUES (7)');
    assert.match(text, /FOREIGN KEY constraint failed/);
  }
});

test('admit without the passphrase, or with a wrong one, is refused before a token is handed out', async () => {
  const words = ['admit', 'n3', '--data', cluster.data(0)];
  const none = await stockade(words);
  assert.equal(none.code, 78);
  assert.equal(none.stdout, '');
  assert.match(none.stderr, /the CA key is under a passphrase\n {2}Give it with --passphrase-file/);
  const wrong = join(cluster.folder, 'wrong');
  writeFileSync(wrong, 'a wrong passphrase, long enough\n', { mode: 0o600 });
  const refused = await stockade([...words, '--passphrase-file', wrong]);
  assert.equal(refused.code, 78);
  assert.equal(refused.stdout, '');
  assert.match(refused.stderr, /the passphrase is wrong/);
  const open = join(cluster.folder, 'open');
  writeFileSync(open, `${passphrase}\n`, { mode: 0o644 });
  const exposed = await stockade([...words, '--passphrase-file', open]);
  assert.equal(exposed.code, 78);
  assert.match(exposed.stderr, /open/);
});

test('admit takes the passphrase from standard input, and the token works', async () => {
  const { run, tokens } = await cluster.admit(
    0,
    ['n3'],
    ['--passphrase-file', '-'],
    `${passphrase}\n`,
  );
  await cluster.join(2, tokens[0] ?? '').says(/n3 is a member/);
  assert.equal(await run.ended(), 0);
  for (const at of [0, 1, 2]) {
    const log = readFileSync(join(cluster.data(at), 'node.log'), 'utf8');
    assert.doesNotMatch(log, /correct horse/);
  }
});
