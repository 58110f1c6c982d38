// The web console in a real browser: that the server lets its own page do everything the page
// offers, that the page's policy stands in nobody's way, and that data stays data.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { Browser, chromiumFile } from '../../../tools/pictures/browser.ts';
import { openTestFront, type TestFront, testPassword } from '../test-front.ts';

const skip = existsSync(chromiumFile) ? false : `there is no ${chromiumFile}`;

const textOf = (id: string): string => `document.getElementById('${id}').innerText`;

const opened = async (
  context: TestContext,
  username: string,
): Promise<{ readonly front: TestFront; readonly browser: Browser; readonly host: string }> => {
  const front = await openTestFront(context);
  const browser = await Browser.open({ username, password: testPassword });
  context.after(() => browser.close());
  const host = `127.0.0.1:${front.port}`;
  await browser.show(1000, 900, false);
  await browser.go(`https://${host}/`);
  await browser.until(`${textOf('user')} === '${username}'`);
  return { front, browser, host };
};

/** A database file of one table. */
const otherDatabase = (file: string): void => {
  const database = new Database(':memory:');
  database.exec('CREATE TABLE came_with_the_file(a)');
  writeFileSync(file, database.serialize());
  database.close();
};

test('CON-01 the page runs statements, shows schema and cluster, ends a request and restores', {
  skip,
}, async (context) => {
  const { front, browser, host } = await opened(context, 'admin');
  const folder = mkdtempSync(join(tmpdir(), 'stockade-console-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const ended: string[] = [];
  front.backend.running = () => [
    ...front.front.queries(),
    {
      ...{ id: 'test-99', user: 'app', address: '10.1.0.7', kind: 'query', text: 'SELECT <b>' },
      ...{ statements: 1, ms: 8000, state: 'reading' },
    },
  ];
  front.backend.kill = (id) => {
    ended.push(id);
    return Promise.resolve({ kind: 'done' });
  };
  front.backend.statusPart = {
    alarms: [{ name: 'disk_low', message: '<i>little</i> room', since: '2026-01-01T00:00:00Z' }],
  };

  await browser.value('document.getElementById("editor").focus()');
  await browser.type(`CREATE TABLE t(a INTEGER, b TEXT, c BLOB, "<u>" REAL);
INSERT INTO t VALUES (9223372036854775807, '<img src=x onerror=alert(1)>; <b>bold</b>', x'00ff', 1.0), (NULL, '', NULL, -0.5);
SELECT * FROM t; SELECT nonsense`);
  await browser.pressEnter(true);
  await browser.until(`/^failed: .* in the server/.test(${textOf('announcement')})`);
  const results = String(await browser.value(textOf('results')));
  for (const shown of [
    ...['9223372036854775807', '<img src=x onerror=alert(1)>; <b>bold</b>', "X'00ff'", '\t-0.5'],
    ...['NULL', '2 rows', 'done: 2 rows changed', 'no such column: nonsense', '<u> · real'],
  ]) {
    assert.ok(results.includes(shown), `${shown}: ${results}`);
  }
  const made = 'document.querySelectorAll("#results :is(img, b, u, i, script)").length';
  assert.equal(await browser.value(made), 0);

  await browser.value('location.hash = "schema"');
  await browser.until(`${textOf('schema-list')}.includes('t table')`);
  await browser.value('document.querySelector("#schema-list summary").click()');
  await browser.until(`/<u>\\s+REAL/.test(${textOf('schema-list')})`);

  await browser.value('location.hash = "cluster"');
  await browser.until(`${textOf('cluster-parts')}.includes('SELECT <b>')`);
  const cluster = String(await browser.value(textOf('cluster-parts')));
  for (const shown of ['[+]node ok', '<i>little</i> room']) assert.ok(cluster.includes(shown));
  await browser.value('document.querySelector("#cluster-parts button").click()');
  await browser.until(`${textOf('announcement')} === 'request test-99 was ended'`);
  assert.deepEqual(ended, ['test-99']);

  const file = join(folder, 'other.sqlite');
  otherDatabase(file);
  await browser.value('location.hash = "backup"');
  await browser.choose('#restore-file', file);
  await browser.until(`${textOf('restore-words')}.includes('takes the place of the whole')`);
  const pressable = 'document.getElementById("restore").disabled === false';
  await browser.value('document.getElementById("restore-confirmation").focus()');
  await browser.type(host.slice(0, -1));
  assert.equal(await browser.value(pressable), false);
  await browser.type(host.slice(-1));
  await browser.until(pressable);
  await browser.value('document.getElementById("restore").click()');
  await browser.until(`${textOf('restore-outcome')}.includes('other.sqlite was loaded')`);
  const there = await front.send('GET', '/db/query?q=SELECT+count(*)+FROM+came_with_the_file', {
    user: 'admin',
  });
  assert.match(there.text, /"values":\[\[0\]\]/);

  const elsewhere = browser.requested.filter((url) => !url.startsWith(`https://${host}/`));
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(browser.complaints, []);
  const kept = JSON.parse(String(await browser.value('JSON.stringify({ ...sessionStorage })')));
  assert.deepEqual(Object.keys(kept as object), ['stockade-history']);
});

test('who holds `ui` alone is told in words what is missing, in every part of the page', {
  skip,
}, async (context) => {
  const { browser } = await opened(context, 'only-ui');
  for (const [name, words] of [
    ['query', 'You may neither read nor write here'],
    ['schema', 'the permission query'],
    ['cluster', 'the permission status'],
    ['backup', 'the permission load'],
  ] as const) {
    await browser.value(`location.hash = '${name}'`);
    await browser.until(`${textOf(`part-${name}`)}.includes('${words}')`);
  }
  assert.equal(await browser.value('document.getElementById("run").disabled'), true);
});
