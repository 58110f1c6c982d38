// The shell and the file commands as a person and as a script use them, on a real node; where there
// is a pseudo-terminal also with keys pressed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { Cluster, eventually, program, stockade } from './cluster.ts';

let cluster: Cluster;
let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stockade-shell-'));
  cluster = await Cluster.start(1);
  await cluster.execute(0, [
    'CREATE TABLE greeting(id INTEGER PRIMARY KEY, text TEXT)',
    "INSERT INTO greeting(text) VALUES('hello'),('it''s me')",
  ]);
});
after(async () => {
  await cluster.remove();
  rmSync(folder, { recursive: true });
});

const shell = (words: readonly string[], input = '') =>
  new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = spawn(process.execPath, [program, 'shell', '--server', cluster.folder, ...words]);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(input);
  });

test('queries lists a read that runs, without its values; kill ends it for its client', async () => {
  const endless =
    'WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';
  const read = cluster.ask(0, '/db/query', { body: JSON.stringify([endless]) });
  const words = ['--server', cluster.folder];
  let line: string | undefined;
  await eventually('it is under way', async () => {
    const { stdout } = await stockade(['queries', ...words]);
    line = stdout.split('\n').find((one) => / reading /.test(one));
    return line !== undefined;
  });
  assert.match(
    line ?? '',
    /WITH RECURSIVE c\(x\) AS \(VALUES\(\?\) UNION ALL SELECT x \+ \? FROM c\)/,
  );
  const id = line?.split(' ')[0] ?? '';
  const ended = await stockade(['kill', id, ...words]);
  assert.equal(ended.code, 0, ended.stderr);
  const answer = await read;
  assert.equal(answer.status, 409);
  assert.match(answer.text, new RegExp(`"code":"killed","requestId":"${id}"`));
  const again = await stockade(['kill', id, ...words]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /No request of this id is under way/);
  const none = await stockade(['queries', '--json', ...words]);
  assert.deepEqual(JSON.parse(none.stdout), { queries: [] });
});

test('words are run and answered, in the mode that was asked for; a failed one is exit code 1', async () => {
  const good = await shell(['--mode', 'csv', 'SELECT id, text FROM greeting ORDER BY id']);
  assert.deepEqual(good, { code: 0, stdout: "id,text\r\n1,hello\r\n2,it's me\r\n", stderr: '' });
  const bad = await shell(['SELECT nope', 'SELECT 1']);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /Error: no such column: nope/);
  assert.equal(bad.stdout, '1\n-\n1\n');
});

test('a pipe may hold statements over several lines, triggers and commands', async () => {
  const script = [
    'CREATE TABLE log(text TEXT);',
    'CREATE TRIGGER noted AFTER INSERT ON greeting BEGIN',
    "  INSERT INTO log VALUES('; not the end');",
    'END;',
    'INSERT INTO greeting(text)',
    "  VALUES('third'); SELECT text FROM log;",
    '.mode line',
    'SELECT count(*) AS n FROM greeting',
  ].join('\n');
  const ran = await shell([], script);
  assert.deepEqual(ran, {
    code: 0,
    stdout: 'text\n-------------\n; not the end\nn = 3\n',
    stderr: '',
  });
  const listed = await shell([], '.tables\n.schema log\n.exit\nSELECT 1;');
  assert.equal(listed.stdout, 'greeting\nlog\nCREATE TABLE log(text TEXT);\n');
});

test('mistakes are one sentence with what to do, and tell themselves apart by the exit code', async () => {
  const unknown = await shell([], '.tabels\n.mode tabular\n.read nowhere.sql\n');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /there is no command \.tabels\n {2}Did you mean \.tables\?/);
  assert.match(unknown.stderr, /usage: \.mode column\|csv\|json\|line/);
  assert.match(unknown.stderr, /nowhere\.sql cannot be read/);
  const url = `https://127.0.0.1:${cluster.portBase}`;
  const password = cluster.file.admin.passwordFile;
  const untrusted = await stockade([
    'shell',
    '--server',
    url,
    '--user',
    'admin',
    '--password-file',
    password,
    'SELECT 1',
  ]);
  assert.equal(untrusted.code, 78);
  assert.match(untrusted.stderr, /is not to be trusted.*\n.*--ca FILE; nothing was sent/);
  const wrong = join(folder, 'wrong');
  writeFileSync(wrong, 'not the password\n', { mode: 0o600 });
  const refused = await stockade([
    'shell',
    '--server',
    cluster.folder,
    '--password-file',
    wrong,
    'SELECT 1',
  ]);
  assert.equal(refused.code, 3);
  const nobody = await stockade([
    'shell',
    '--server',
    'https://127.0.0.1:1',
    '--user',
    'a',
    '--password-file',
    wrong,
    'SELECT 1',
  ]);
  assert.equal(nobody.code, 4);
  const plain = await stockade(['shell', '--server', 'http://192.0.2.1:4001', 'SELECT 1']);
  assert.equal(plain.code, 2);
  assert.match(plain.stderr, /not sent over plain HTTP/);
});

test('a backup is a database that opens, private, and in place only when it is whole', async () => {
  const file = join(folder, 'backup.sqlite');
  const saved = await stockade(['backup', file, '--server', cluster.folder]);
  assert.equal(saved.code, 0, saved.stderr);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const hash = /it opens and is sound: \d+ rows, content hash ([0-9a-f]{64})\n/.exec(saved.stderr);
  const report = JSON.parse((await cluster.ask(0, '/consistency', { body: '' })).text) as {
    readonly content: { readonly nodes: readonly { readonly digest: string }[] };
  };
  assert.equal(hash?.[1], report.content.nodes[0]?.digest);
  const small = `${file}.gz`;
  const compressed = await stockade(['backup', small, '--gzip', '--server', cluster.folder]);
  assert.match(compressed.stderr, new RegExp(`content hash ${hash?.[1]}\n`));
  const database = new DatabaseSync(file, { readOnly: true });
  assert.deepEqual(
    { ...database.prepare('SELECT text FROM greeting WHERE id = 2').get() },
    { text: "it's me" },
  );
  database.close();
  const nowhere = await stockade([
    'backup',
    join(folder, 'no', 'such'),
    '--server',
    cluster.folder,
  ]);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /ENOENT/);
  const dumped = await stockade(['dump', '-', '--tables', 'greeting', '--server', cluster.folder]);
  assert.equal(dumped.code, 0, dumped.stderr);
  assert.match(dumped.stdout, /^CREATE TABLE greeting/m);
  const careful = await stockade(['restore', file, '--server', cluster.folder]);
  assert.equal(careful.code, 5);
  assert.match(careful.stderr, /--force/);
});

test('a text that is loaded in whole is told from one that is not, by restore and by .restore alike', async () => {
  const good = join(folder, 'good.sql');
  const bad = join(folder, 'bad.sql');
  writeFileSync(good, `CREATE TABLE IF NOT EXISTS fine("error"); SELECT 1 AS "error";`);
  writeFileSync(bad, "INSERT INTO fine VALUES ('x'); INSERT INTO nowhere VALUES (1);");
  const ways: ((file: string) => ReturnType<typeof stockade>)[] = [
    (file) => stockade(['restore', file, '--force', '--server', cluster.folder]),
    (file) => shell([], `.restore ${file}\n`),
  ];
  for (const way of ways) {
    const loaded = await way(good);
    assert.equal(loaded.code, 0, loaded.stderr);
    const refused = await way(bad);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /not loaded in whole: no such table: nowhere/);
  }
});

const scriptProgram = '/usr/bin/script';

test('at a terminal: prompt, completion, continued lines, Ctrl-C, history, Ctrl-D', async (t) => {
  if (!existsSync(scriptProgram)) return t.skip('script (util-linux) makes the terminal');
  const command = [process.execPath, program, 'shell', '--server', cluster.folder].join(' ');
  const home = join(folder, 'home');
  const env = { ...process.env, HOME: folder, TERM: 'xterm' };
  const terminal = spawn(scriptProgram, ['-qfec', command, '/dev/null'], { env });
  t.after(() => terminal.kill('SIGKILL'));
  let said = '';
  terminal.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const says = (pattern: RegExp): Promise<boolean> =>
    eventually(`the shell says ${pattern} in ${JSON.stringify(said)}`, () =>
      Promise.resolve(pattern.test(said)),
    );
  await says(/stockade> /);
  terminal.stdin.write('SELECT count(*) FROM gree\t');
  await says(/FROM greeting/);
  terminal.stdin.write('\n');
  await says(/ {5}\.\.\.> /);
  said = '';
  terminal.stdin.write('\x03');
  await says(/stockade> /);
  said = '';
  terminal.stdin.write("SELECT 'two ' ||\n");
  await says(/\.\.\.> /);
  terminal.stdin.write("'lines' AS v;\n");
  await says(/two lines/);
  said = '';
  terminal.stdin.write("INSERT INTO greeting(text) VALUES('typed');\n");
  await says(/1 row changed/);
  const ended = new Promise<number | null>((resolve) => terminal.once('exit', resolve));
  terminal.stdin.write('\x04');
  assert.equal(await ended, 0);
  const history = join(folder, '.stockade_history');
  assert.equal(statSync(history).mode & 0o777, 0o600);
  assert.match(readFileSync(history, 'utf8'), /VALUES\('typed'\);\n$/);
  assert.ok(!existsSync(home));
});
