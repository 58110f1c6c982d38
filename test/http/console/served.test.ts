// The web console as a browser gets it: its files and nothing else, with the headers of a page, for
// those who hold `ui`.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { consoleFileNames } from '#http/console-files.ts';
import { consoleFileBytesMax } from '#limits.ts';
import { jsonOf, openTestFront } from '../test-front.ts';

const folder = join(import.meta.dirname, '..', '..', '..', 'src', 'http', 'console');
const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');
const pathOf = (name: string): string => `/console/${name === 'index.html' ? '' : name}`;
const scripts = consoleFileNames.filter((name) => name.endsWith('.js'));

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
];

const types = new Map([
  ['html', 'text/html; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['svg', 'image/svg+xml; charset=utf-8'],
]);

test('the list of files is the folder, and each is small enough to be kept in memory', () => {
  const there = readdirSync(folder).filter((name) => name !== 'tsconfig.json');
  assert.deepEqual([...consoleFileNames].sort(), there.sort());
  for (const name of consoleFileNames) assert.ok(textOf(name).length < consoleFileBytesMax, name);
});

test('CON-01 every file of the console comes as it is, with its type, its hash and a page’s headers', async (context) => {
  const { send } = await openTestFront(context);
  const tags = new Set<string>();
  for (const name of consoleFileNames) {
    const answer = await send('GET', pathOf(name), { user: 'only-ui' });
    assert.equal(answer.status, 200, name);
    assert.equal(answer.text, textOf(name), name);
    const { headers } = answer;
    assert.equal(headers['content-type'], types.get(name.split('.')[1] ?? ''), name);
    assert.deepEqual(
      String(headers['content-security-policy']).split(';').sort(),
      [...policy].sort(),
    );
    assert.equal(headers['cache-control'], 'no-cache');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['x-frame-options'], 'DENY');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
    assert.match(headers['strict-transport-security'] ?? '', /^max-age=\d{8}/);
    assert.match(headers.etag ?? '', /^"[\w-]{43}"$/, 'a strong tag');
    const twice = answer.rawHeaders.filter((each) => /^(?:cache-control|content-sec)/i.test(each));
    assert.equal(twice.length, 2, name);
    tags.add(headers.etag ?? '');
  }
  assert.equal(tags.size, consoleFileNames.length);
});

test('the API’s own answers keep their policy, which allows nothing, and are kept by nobody', async (context) => {
  const { send } = await openTestFront(context);
  for (const path of ['/whoami', '/console/nothing.js', '/console']) {
    const { headers } = await send('GET', path, { user: 'admin' });
    assert.equal(headers['content-security-policy'], "default-src 'none';frame-ancestors 'none'");
    assert.equal(headers['cache-control'], 'no-store', path);
  }
});

test('a browser that has a file’s version is told so without its bytes, and only then', async (context) => {
  const { send } = await openTestFront(context);
  const ask = (match: string, method = 'GET') =>
    send(method, '/console/main.js', { user: 'only-ui', headers: { 'If-None-Match': match } });
  const { headers } = await send('GET', '/console/main.js', { user: 'only-ui' });
  const tag = headers.etag ?? '';
  for (const match of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const answer = await ask(match);
    assert.equal(answer.status, 304, match);
    assert.equal(answer.text, '');
    assert.equal(answer.headers.etag, tag);
    assert.equal(answer.headers['cache-control'], 'no-cache');
    assert.equal(answer.headers['content-length'], undefined);
  }
  assert.equal((await ask(tag, 'HEAD')).status, 304);
  for (const match of ['"other"', tag.slice(1, -1), '']) {
    assert.equal((await ask(match)).status, 200, match);
  }
  const stranger = await send('GET', '/console/main.js', { headers: { 'If-None-Match': tag } });
  assert.equal(stranger.status, 401);
});

test('HEAD has the headers of GET and no body, and the connection goes on', async (context) => {
  const { send } = await openTestFront(context);
  for (const path of ['/console/', '/console/console.css', '/', '/console']) {
    const head = await send('HEAD', path, { user: 'only-ui' });
    const get = await send('GET', path, { user: 'only-ui' });
    assert.equal(head.status, get.status);
    assert.equal(head.text, '');
    for (const name of ['content-type', 'content-length', 'etag', 'location']) {
      assert.equal(head.headers[name], get.headers[name], `${path} ${name}`);
    }
    assert.equal(get.headers['content-length'], String(Buffer.byteLength(get.text)));
  }
});

test('`/` and `/console` lead to the console, whoever asks, and say nothing of this program', async (context) => {
  const { send } = await openTestFront(context);
  for (const [path, status] of [
    ['/', 302],
    ['/?pretty', 302],
    ['/console', 301],
  ] as const) {
    for (const sent of [{}, { user: 'nothing' }]) {
      const answer = await send('GET', path, sent);
      assert.equal(answer.status, status, path);
      assert.equal(answer.headers.location, '/console/');
    }
    const { headers } = await send('GET', path);
    assert.equal(headers['x-rqlite-version'], undefined);
    assert.equal(headers['access-control-allow-origin'], undefined);
  }
});

test('without credentials the browser is asked for them, without `ui` it is told, other methods are none', async (context) => {
  const { send } = await openTestFront(context);
  for (const path of ['/console/', '/console/main.js', '/console/nothing.js']) {
    const stranger = await send('GET', path);
    assert.equal(stranger.status, 401, path);
    assert.equal(stranger.headers['www-authenticate'], 'Basic realm="rqlite"');
    assert.equal((await send('HEAD', path)).status, 401);
    assert.equal((await send('GET', path, { user: 'admin', password: 'no' })).status, 401);
    assert.equal((await send('GET', path, { user: 'only-query' })).status, 403);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const other = await send(method, path, { user: 'admin' });
      assert.equal(other.status, 405, `${method} ${path}`);
      assert.equal(other.headers.allow, 'GET, HEAD');
    }
  }
  assert.equal((await send('POST', '/', { user: 'admin' })).status, 405);
});

test('AZ-02 no path but those of the list is a file of the console', async (context) => {
  const { send, backend } = await openTestFront(context);
  for (const path of [
    '/console/index.html',
    '/console/nothing.js',
    '/console/main.js/',
    '/console//main.js',
    '/console/main.js%00',
    '/console/main%2ejs',
    '/console/%6dain.js',
    '/console/MAIN.JS',
    '/console/.',
    '/console/..',
    '/console/../status',
    '/console/../console-files.ts',
    '/console/%2e%2e%2fconsole-files.ts',
    '/console/..%2f..%2fpackage.json',
    '/console/..%5c..%5cpackage.json',
    '/console/....//package.json',
    '/console/%252e%252e%252fpackage.json',
    '/console/;main.js',
    '/console/main.js;x',
    '/console/constructor',
    '/console/__proto__',
    '/console/toString',
    '/console/:id',
    '/consolefoo',
    '/Console/',
    '/%63onsole/',
    '//console/',
    '/console/?x/../../status/x',
  ]) {
    const answer = await send('GET', path, { user: 'admin' });
    const isPage = path.startsWith('/console/?');
    assert.equal(answer.status, isPage ? 200 : 404, path);
    if (!isPage) assert.match(answer.text, /^\{"error"/, path);
  }
  // Not an escape at all.
  assert.equal((await send('GET', '/console/%zz', { user: 'admin' })).status, 400);
  assert.equal(backend.calls.read, 0);
});

test('who holds `ui` alone gets the page and nothing of the cluster or its data', async (context) => {
  const { send } = await openTestFront(context);
  const own = await send('GET', '/whoami', { user: 'only-ui' });
  assert.deepEqual(jsonOf(own), { user: 'only-ui', permissions: ['ui'] });
  for (const path of ['/db/query?q=SELECT+1', '/status', '/nodes', '/queries', '/db/backup']) {
    assert.equal((await send('GET', path, { user: 'only-ui' })).status, 403, path);
  }
  for (const path of ['/db/request', '/db/load']) {
    const answer = await send('POST', path, { user: 'only-ui', body: '["SELECT 1"]' });
    assert.equal(answer.status, 403, path);
  }
});

test('CORS-07 the page may ask and write at whatever address the browser used, other pages may not even ask', async (context) => {
  const { send, backend } = await openTestFront(context);
  const ask = async (method: string, path: string, headers: Record<string, string>) => {
    const body = method === 'GET' ? {} : { body: '["SELECT 1"]' };
    return (await send(method, path, { user: 'admin', headers, ...body })).status;
  };
  const hosts = ['127.0.0.1:4001', 'localhost:4001', 'n1.example', 'n1.example:4001', '[::1]:4001'];
  for (const host of hosts) {
    const own = { Host: host, Origin: `https://${host}`, 'Sec-Fetch-Site': 'same-origin' };
    assert.equal(await ask('POST', '/db/request', own), 200, host);
    const link = { Host: host, 'Sec-Fetch-Site': 'same-origin' };
    assert.equal(await ask('GET', '/db/query?q=SELECT+1', link), 200, host);
  }
  const { ...before } = backend.calls;
  for (const headers of [
    { Origin: 'https://n2.example:4001' },
    { Origin: 'http://n1.example:4001' },
    { Origin: 'https://n1.example' },
    { Origin: 'https://n1.example:4011' },
    { Origin: 'https://n1.example:4001.evil.example' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
  ]) {
    const sent = { Host: 'n1.example:4001', ...headers };
    const what = JSON.stringify(headers);
    assert.equal(await ask('POST', '/db/request', sent), 403, what);
    // It cannot read the answer, but it could measure how long the answer takes.
    assert.equal(await ask('POST', '/db/query', sent), 403, what);
    assert.equal(await ask('GET', '/db/query?q=SELECT+1', sent), 403, what);
    assert.equal(await ask('GET', '/db/backup', sent), 403, what);
    assert.equal(await ask('GET', '/db/changes', sent), 403, what);
    // A link to the console from elsewhere is what links are for.
    assert.equal(await ask('GET', '/console/', sent), 200, what);
  }
  assert.deepEqual({ ...backend.calls }, before);
});

test('CON-02 no file has a script, a style or a handler written into it, nor loads from elsewhere', () => {
  const page = textOf('index.html');
  assert.doesNotMatch(page, /<style|\sstyle\s*=|\son\w+\s*=|javascript:|<form|<iframe|<base/i);
  assert.deepEqual(page.match(/<script[^>]*>(?!<\/script>)/g), null, 'a script with text in it');
  const loaded = [...page.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, name]) => name);
  const known = new Set<string | undefined>(consoleFileNames);
  assert.deepEqual(
    loaded.filter((name) => !known.has(name)),
    [],
  );
  for (const name of consoleFileNames) {
    const elsewhere = textOf(name).match(/https?:\/\/[\w.-]+/g) ?? [];
    assert.deepEqual(
      elsewhere.filter((url) => url !== 'http://www.w3.org'),
      [],
      name,
    );
  }
  assert.doesNotMatch(textOf('console.css'), /@import|url\(|expression/i);
  assert.doesNotMatch(textOf('icon.svg'), /script|href|\bon\w+=/i);
});

test('CON-03 the scripts make no HTML and no code of texts, and keep nothing but the history', () => {
  const makesHtml =
    /innerHTML|outerHTML|insertAdjacent|document\.write|DOMParser|createContextualFragment|srcdoc|\bstyle\b\s*[.=]/;
  const makesCode = /\beval\b|\bFunction\s*\(|setTimeout\(\s*['"`]|import\s*\(/;
  const keeps = /localStorage|indexedDB|document\.cookie|\bcaches\b|serviceWorker/;
  for (const name of scripts) {
    const text = textOf(name).replaceAll(/import\('\.\//g, '');
    assert.doesNotMatch(text, makesHtml, name);
    assert.doesNotMatch(text, makesCode, name);
    assert.doesNotMatch(text, keeps, name);
    if (name !== 'api.js') assert.doesNotMatch(text, /\bfetch\s*\(/, name);
    if (!['query.js', 'history.js'].includes(name))
      assert.doesNotMatch(text, /sessionStorage/, name);
  }
  assert.match('element.innerHTML = text', makesHtml);
});

test('every script parses, and imports files of the list only', () => {
  const known = new Set<string | undefined>(scripts);
  for (const name of scripts) {
    const { status, stderr } = spawnSync(process.execPath, ['--check', join(folder, name)]);
    assert.equal(status, 0, stderr.toString());
    for (const [, from] of textOf(name).matchAll(/from '([^']+)'/g)) {
      assert.ok(known.has(from?.replace('./', '')), `${name} imports ${from}`);
    }
  }
});

test('every part of the page that a script looks for is there', () => {
  const page = textOf('index.html');
  const ids = new Set([...page.matchAll(/ id="([\w-]+)"/g)].map(([, id]) => id));
  const wanted = scripts.flatMap((name) =>
    [...textOf(name).matchAll(/part\('([\w-]+)'/g)].map(([, id]) => id),
  );
  assert.ok(wanted.length > 15);
  assert.deepEqual(
    wanted.filter((id) => !ids.has(id)),
    [],
  );
});
