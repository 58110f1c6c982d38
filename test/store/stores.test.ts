// Both kinds of store: what is put comes back, in parts when it is large; faults that pass are
// tried again, others end it, and nothing is left over. The S3 here checks every signature by
// itself.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CodedError } from '#errors.ts';
import { systemFiles } from '#io/file-system.ts';
import type { BackupStore, SentFile } from '#store/backup-store.ts';
import { openFolderStore } from '#store/folder-store.ts';
import { openS3Store, partBytesOf, type S3Place } from '#store/s3-store.ts';
import { readStoreSettings } from '#store/store-settings.ts';
import { temporaryFolder } from '../db/support.ts';
import { S3Server, type S3ServerOptions } from './s3-server.ts';

const mib = 1024 * 1024;

const fileOf = (content: Buffer): SentFile => ({
  bytes: content.length,
  read: (into, position) => content.copy(into, 0, position),
});

const contentOf = async (store: BackupStore, name: string): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of store.get(name)) chunks.push(chunk);
  return Buffer.concat(chunks);
};

interface Opened {
  readonly store: BackupStore;
  readonly server: S3Server;
  readonly waits: number[];
  readonly abort: () => void;
}

const opened = async (
  t: TestContext,
  options: S3ServerOptions = {},
  place: Partial<S3Place> = {},
): Promise<Opened> => {
  const server = await S3Server.start(t, options);
  const settings = server.settings() as unknown as S3Place & S3Place['credentials'];
  const waits: number[] = [];
  const end = new AbortController();
  const { accessKeyId, secretAccessKey } = settings;
  const store = openS3Store(
    {
      ...settings,
      prefix: 'own/',
      ca: server.ca,
      credentials: { accessKeyId, secretAccessKey, sessionToken: options.sessionToken ?? '' },
      ...place,
    },
    {
      wallMs: () => Date.now(),
      random: () => 0,
      wait: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
      signal: end.signal,
    },
  );
  t.after(() => store.close());
  return { store, server, waits, abort: () => end.abort() };
};

const refusal = (code: string, pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CodedError);
  assert.equal(error.code, code);
  assert.match(`${error.message} ${error.details.hint}`, pattern);
  assert.doesNotMatch(error.message, /test\/secret/);
  return true;
};

const signedPuts = (server: S3Server): number =>
  server.seen.filter(({ method }) => method === 'PUT').length;

test('a small file goes in one request, is listed and comes back; removing it twice is fine', async (t) => {
  const { store, server } = await opened(t, { sessionToken: 'temporary' });
  server.objects.set('own/strange & <name>', Buffer.from('x'));
  server.objects.set('other/backup', Buffer.from('x'));
  const content = randomBytes(3 * mib);
  let sent = 0;
  await store.put("a b'(1)", fileOf(content), (bytes) => {
    sent = bytes;
  });
  assert.equal(sent, content.length);
  assert.equal(signedPuts(server), 1);
  assert.deepEqual(await contentOf(store, "a b'(1)"), content);
  assert.deepEqual(
    [...(await store.list())].sort((left, right) => (left.name < right.name ? -1 : 1)),
    [
      { name: "a b'(1)", bytes: content.length },
      { name: 'strange & <name>', bytes: 1 },
    ],
  );
  await store.remove("a b'(1)");
  await store.remove("a b'(1)");
  assert.equal((await store.list()).length, 1);
});

test('a large file goes in parts, of which one at a time is in memory', async (t) => {
  const { store, server } = await opened(t);
  const content = randomBytes(20 * mib);
  const sent: number[] = [];
  await store.put('large', fileOf(content), (bytes) => sent.push(bytes));
  assert.deepEqual(sent, [8 * mib, 16 * mib, 20 * mib]);
  assert.equal(server.bodyBytesMax, 8 * mib);
  assert.deepEqual(server.objects.get('own/large'), content);
  assert.equal(server.uploads.size, 0);
  assert.equal(partBytesOf(100e9), Math.ceil(100e9 / 10_000));
});

test('a listing of several pages is read to its end', async (t) => {
  const { store, server } = await opened(t, { pageNames: 2 });
  for (let at = 0; at < 7; at++) server.objects.set(`own/${at}`, Buffer.from('x'));
  assert.equal((await store.list()).length, 7);
});

test('with the bucket in the host name requests are signed for that host', async (t) => {
  const { store, server } = await opened(
    t,
    { virtualHost: true },
    { pathStyle: false, ca: undefined },
  );
  // No such name resolves here, so the request ends before TLS: what it asks for is what counts.
  await assert.rejects(store.list(), refusal('store_failed', /backups\.localhost/));
  assert.equal(server.seen.length, 0);
});

for (const fault of [
  { status: 503, code: 'SlowDown' },
  { status: 429, code: 'Busy' },
  'drop',
] as const) {
  test(`${typeof fault === 'string' ? fault : fault.status}: tried again with longer and longer pauses, then given up`, async (t) => {
    const { store, server, waits } = await opened(t);
    let left = 2;
    server.fault = () => (left-- > 0 ? fault : undefined);
    await store.put('x', fileOf(Buffer.from('x')));
    assert.deepEqual(waits, [500, 1000]);
    server.fault = () => fault;
    await assert.rejects(store.list(), refusal('store_failed', /4 times/));
    assert.deepEqual(waits, [500, 1000, 500, 1000, 2000]);
  });
}

test('a refusal is not tried again and says what to do', async (t) => {
  const wrong = { accessKeyId: 'TESTKEY', secretAccessKey: 'another', sessionToken: '' };
  const { store, server, waits } = await opened(t, {}, { credentials: wrong });
  await assert.rejects(
    store.list(),
    refusal('store_failed', /SignatureDoesNotMatch.*secretAccessKey/),
  );
  assert.equal(server.seen.length, 1);
  assert.deepEqual(waits, []);
});

test('a clock that is off, another region and another bucket are told apart', async (t) => {
  const { store, server } = await opened(t);
  server.aheadMs = 3_600_000;
  await assert.rejects(store.list(), refusal('store_failed', /RequestTimeTooSkewed.*clock/));
  const elsewhere = await opened(t, {}, { region: 'us-west-2' });
  await assert.rejects(
    elsewhere.store.list(),
    refusal('store_failed', /AuthorizationHeaderMalformed/),
  );
  const other = await opened(t, {}, { bucket: 'another' });
  await assert.rejects(
    other.store.list(),
    refusal('store_failed', /NoSuchBucket.*Make the bucket/),
  );
});

test('a redirect is not followed: the signature is for one host', async (t) => {
  const { store, server } = await opened(t);
  server.fault = () => ({ status: 301, code: 'PermanentRedirect' });
  await assert.rejects(store.list(), refusal('store_failed', /endpoint and region/));
  assert.equal(server.seen.length, 1);
});

test('a store whose certificate nobody vouches for is sent nothing', async (t) => {
  const { store, server } = await opened(t, {}, { ca: undefined });
  await assert.rejects(store.list(), refusal('store_failed', /not to be trusted.*ca/));
  assert.equal(server.seen.length, 0);
});

test('an upload in parts that fails is aborted: no parts are left', async (t) => {
  const { store, server } = await opened(t);
  const file = fileOf(randomBytes(20 * mib));
  server.fault = ({ url }) =>
    url.includes('partNumber=2') ? { status: 403, code: 'AccessDenied' } : undefined;
  await assert.rejects(store.put('large', file), refusal('store_failed', /AccessDenied/));
  assert.equal(server.uploads.size, 0);
  server.fault = ({ method, url }) =>
    method === 'POST' && url.includes('uploadId') ? { status: 200, code: 'Odd' } : undefined;
  await assert.rejects(
    store.put('large', file),
    refusal('store_failed', /Odd/),
    'a 200 with an error',
  );
  assert.equal(server.uploads.size, 0);
  assert.equal(server.objects.size, 0);
});

test('an upload that is given up is aborted all the same', async (t) => {
  const { store, server, abort } = await opened(t);
  server.fault = ({ url }) => {
    if (url.includes('partNumber=2')) abort();
    return undefined;
  };
  await assert.rejects(store.put('large', fileOf(randomBytes(20 * mib))), CodedError);
  assert.equal(server.uploads.size, 0);
});

test('an object that ends early is an error, never a shorter object', async (t) => {
  const { store, server } = await opened(t);
  server.objects.set('own/x', randomBytes(4 * mib));
  server.fault = ({ method }) => (method === 'GET' ? 'cut' : undefined);
  await assert.rejects(contentOf(store, 'x'), refusal('store_failed', /broke off/));
});

test('a folder takes files whole, private, and only when it is there', async (t) => {
  const folder = temporaryFolder(t);
  const store = openFolderStore(folder, systemFiles);
  const content = randomBytes(3 * mib);
  await store.put('x', fileOf(content));
  await store.put('x', fileOf(content));
  assert.deepEqual(await contentOf(store, 'x'), content);
  assert.equal(statSync(join(folder, 'x')).mode & 0o777, 0o600);
  mkdirSync(join(folder, 'folder'));
  symlinkSync('/etc/passwd', join(folder, 'link'));
  assert.deepEqual(await store.list(), [{ name: 'x', bytes: content.length }]);
  const broken = {
    bytes: 10,
    read: () => {
      throw new Error('the disk');
    },
  };
  await assert.rejects(store.put('y', broken), refusal('store_failed', /the disk/));
  await store.remove('x');
  await store.remove('x');
  assert.deepEqual(readdirSync(folder).sort(), ['folder', 'link']);
  const none = openFolderStore(join(folder, 'none'), systemFiles);
  await assert.rejects(none.put('x', fileOf(content)), refusal('store_failed', /no such folder/));
});

test('the file of a store: private, without unknown keys, over TLS unless it says otherwise on loopback', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'store.json');
  const read = (content: unknown, environment = {}) => {
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), {
      mode: 0o600,
    });
    return readStoreSettings(path, environment, systemFiles);
  };
  const s3 = {
    ...{ type: 's3', endpoint: 'https://s3.example', bucket: 'own-backups', prefix: '/prod/' },
    ...{ accessKeyId: 'A', secretAccessKey: 'S' },
  };
  assert.deepEqual(read(s3), {
    ...{ kind: 's3', endpoint: 'https://s3.example', region: 'us-east-1', bucket: 'own-backups' },
    ...{ prefix: 'prod/', pathStyle: false, ca: undefined },
    credentials: { accessKeyId: 'A', secretAccessKey: 'S', sessionToken: '' },
  });
  assert.deepEqual(read({ type: 'folder', path: 'b' }), {
    kind: 'folder',
    path: join(folder, 'b'),
  });
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    ['{', /not JSON/],
    ['[]', /no object/],
    [{ type: 'gcs' }, /no type "gcs"/],
    [{ type: 'folder' }, /path is no text/],
    [{ type: 'folder', path: 'b', bucket: 'x' }, /no bucket here/],
    [{ ...s3, acessKeyId: 'A' }, /no acessKeyId/],
    [{ ...s3, endpoint: 'http://s3.example' }, /not https/],
    [{ ...s3, endpoint: 'http://127.0.0.1:9000' }, /not https/],
    [{ ...s3, endpoint: 'http://s3.example', insecure: true }, /not https/],
    [{ ...s3, endpoint: 'https://s3.example/path' }, /endpoint is none/],
    [{ ...s3, endpoint: 'https://u:p@s3.example' }, /endpoint is none/],
    [{ ...s3, bucket: '../x' }, /bucket is no name/],
    [{ ...s3, prefix: 'a/../b' }, /prefix/],
    [{ ...s3, pathStyle: 'yes' }, /pathStyle/],
    [{ ...s3, accessKeyId: '' }, /no key/],
    [{ ...s3, ca: 'none.pem' }, /cannot be read/],
  ];
  for (const [content, pattern] of wrong) assert.throws(() => read(content), pattern);
  const clear = read({ ...s3, endpoint: 'http://127.0.0.1:9000', insecure: true });
  assert.equal(clear.kind === 's3' && clear.endpoint, 'http://127.0.0.1:9000');
  const { accessKeyId: _id, secretAccessKey: _key, ...keyless } = s3;
  const environment = {
    AWS_ACCESS_KEY_ID: 'E',
    AWS_SECRET_ACCESS_KEY: 'F',
    AWS_SESSION_TOKEN: 'G',
  };
  const taken = read(keyless, environment);
  assert.deepEqual(taken.kind === 's3' && taken.credentials, {
    ...{ accessKeyId: 'E', secretAccessKey: 'F', sessionToken: 'G' },
  });
  chmodSync(path, 0o640);
  assert.throws(() => readStoreSettings(path, {}, systemFiles), /mode 0640/);
});
