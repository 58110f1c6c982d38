// Posting captured changes to a real receiver over TLS: the form of a request, its signature, what
// counts as taken, and what happens until it is.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ChangeReader } from '#db/changes/read-changes.ts';
import { CodedError } from '#errors.ts';
import { systemFiles } from '#io/file-system.ts';
import { Sender } from '#node/cdc/sender.ts';
import { WebhookClient } from '#node/cdc/webhook-client.ts';
import { type WebhookSettings, webhookFrom, webhookSettings } from '#node/cdc/webhook-settings.ts';
import type { SenderState } from '#node/seams/sender-seam.ts';
import { capturing, executed, temporaryFolder, writerIn } from '../../db/support.ts';
import { eventually } from '../../e2e/cluster.ts';
import { openSink, type Sink } from './sink.ts';

const settingsFrom = (values: Readonly<Record<string, string>>): WebhookSettings | undefined => {
  const all = new Map(webhookSettings.map(({ key, standard }) => [key, standard ?? '']));
  const given = { 'cdc.enabled': 'true', 'insecure.cdcEndpoint': 'false', ...values };
  return webhookFrom((key) => new Map([...all, ...Object.entries(given)]).get(key) ?? '');
};

const wallMs = (): number => 1_764_061_200_999;

interface Running {
  readonly states: SenderState[];
  readonly execute: (...statements: readonly string[]) => void;
  readonly stop: () => void;
}

const run = (
  context: TestContext,
  sink: Sink,
  more: Readonly<Record<string, string>> = {},
): Running => {
  const folder = temporaryFolder(context);
  const writer = writerIn(context, folder, { changes: capturing });
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, sink.ca);
  const settings = settingsFrom({
    'cdc.endpoint': sink.url,
    'cdc.tls.ca': ca,
    'cdc.maxBatchDelayMs': '10',
    'cdc.transmitMinBackoffMs': '10',
    'cdc.transmitMaxBackoffMs': '20',
    ...more,
  });
  assert.ok(settings);
  const client = new WebhookClient(settings, systemFiles, wallMs);
  const reader = ChangeReader.open(folder, systemFiles);
  const states: SenderState[] = [];
  const over = new AbortController();
  const sender = new Sender({
    ...{ node: 'n1', settings, highWater: 0, signal: over.signal },
    read: (after, bytesMax) => reader?.read({ after, bytesMax }),
    post: (body) => client.post(body),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    onState: (state) => states.push(state),
  });
  const done = sender.run();
  const stop = (): void => over.abort();
  context.after(async () => {
    stop();
    await done;
    reader?.close();
  });
  return {
    states,
    stop,
    execute: (...statements) => {
      for (const statement of statements) executed(writer, [statement]);
    },
  };
};

const until = (condition: () => boolean): Promise<unknown> =>
  eventually(String(condition), () => Promise.resolve(condition()));

const indexes = (sink: Sink): readonly number[] =>
  sink.taken.flatMap(({ payload }) => payload.map(({ index }) => index));

test('a request has the form of rqlite, and its signature and token are right', async (t) => {
  const sink = await openSink(t);
  const secrets = temporaryFolder(t);
  const key = 'k'.repeat(32);
  writeFileSync(join(secrets, 'key'), `${key}\n`, { mode: 0o600 });
  writeFileSync(join(secrets, 'token'), 'a-token\n', { mode: 0o600 });
  const { execute, states } = run(t, sink, {
    'cdc.serviceId': 'shop',
    'cdc.signatureKeyFile': join(secrets, 'key'),
    'cdc.bearerFile': join(secrets, 'token'),
  });
  execute('CREATE TABLE t(id INTEGER PRIMARY KEY, a)', "INSERT INTO t VALUES (7, x'ff')");
  await until(() => sink.taken.length === 1);
  const [request] = sink.taken;
  assert.ok(request);
  assert.deepEqual(JSON.parse(request.body), {
    service_id: 'shop',
    node_id: 'n1',
    payload: [
      {
        index: 2,
        commit_timestamp: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
        events: [{ op: 'INSERT', table: 't', new_row_id: 7, after: { id: 7, a: '/w==' } }],
      },
    ],
  });
  assert.equal(request.headers['content-type'], 'application/json');
  assert.equal(request.headers.authorization, 'Bearer a-token');
  const seconds = Math.floor(wallMs() / 1000);
  const signature = createHmac('sha256', key).update(`${seconds}.${request.body}`).digest('hex');
  assert.equal(request.headers['x-stockade-signature'], `t=${seconds},v1=${signature}`);
  await until(() => states.at(-1)?.highWater === 2);
});

test('what is not answered with 2xx in time is sent again, unchanged and in order, until it is', async (t) => {
  const sink = await openSink(t);
  const refusals = [
    { status: 500 },
    { status: 302, headers: { Location: sink.url } },
    { status: 404 },
    { status: 200, silent: true },
  ] as const;
  let at = 0;
  sink.answer = () => refusals[at++] ?? { status: 202 };
  const { execute, states } = run(t, sink, { 'cdc.transmitTimeoutMs': '300' });
  execute('CREATE TABLE t(a)', 'INSERT INTO t VALUES (1)', 'INSERT INTO t VALUES (2)');
  await until(() => indexes(sink).length === 2);
  assert.deepEqual(indexes(sink), [2, 3]);
  const first = sink.requests.slice(0, 5).map(({ body }) => body);
  assert.equal(new Set(first).size, 1, 'the same body five times');
  assert.equal(states.filter(({ failures }) => failures === 4).length > 0, true);
  assert.equal(states.at(-1)?.problem, '');
});

test('a batch has no more entries than it may, only tables that match, and no values if so set', async (t) => {
  const sink = await openSink(t);
  sink.answer = () => ({ status: 503 });
  const { execute } = run(t, sink, {
    'cdc.maxBatchSize': '3',
    'cdc.tableFilter': '^wanted',
    'cdc.rowIdsOnly': 'true',
  });
  execute(
    'CREATE TABLE wanted_1(a)',
    'CREATE TABLE not_wanted(a)',
    'INSERT INTO wanted_1 VALUES (1)',
  );
  await until(() => sink.requests.length > 0);
  execute('INSERT INTO not_wanted VALUES (1)');
  for (let count = 0; count < 7; count++) execute('INSERT INTO wanted_1 VALUES (2)');
  sink.answer = () => ({ status: 200 });
  await until(() => indexes(sink).length === 8);
  assert.deepEqual(indexes(sink), [3, 5, 6, 7, 8, 9, 10, 11]);
  assert.ok(sink.taken.every(({ payload }) => payload.length <= 3));
  assert.ok(
    sink.taken.every(({ body }) => !body.includes('after') && !body.includes('not_wanted')),
  );
});

test('a receiver whose certificate has another name than it should is sent nothing', async (t) => {
  const sink = await openSink(t);
  const { execute, states } = run(t, sink, { 'cdc.tls.serverName': 'elsewhere.example' });
  execute('CREATE TABLE t(a)', 'INSERT INTO t VALUES (1)');
  await until(() => (states.at(-1)?.failures ?? 0) > 1);
  assert.match(states.at(-1)?.problem ?? '', /elsewhere\.example/);
  assert.equal(sink.requests.length, 0);
});

test('settings that would send rows or keys in the clear, or contradict each other, are refused', (t) => {
  const refused = (values: Readonly<Record<string, string>>): string => {
    try {
      settingsFrom(values);
    } catch (error) {
      if (error instanceof CodedError && error.code === 'config_invalid') return error.message;
      throw error;
    }
    return '';
  };
  const endpoint = 'cdc.endpoint';
  assert.match(refused({ [endpoint]: 'http://events.example/x' }), /not https/);
  assert.match(refused({ [endpoint]: 'http://127.0.0.1/x' }), /not https/);
  assert.equal(refused({ [endpoint]: 'http://127.0.0.1/x', 'insecure.cdcEndpoint': 'true' }), '');
  assert.match(
    refused({ [endpoint]: 'http://10.0.0.1/x', 'insecure.cdcEndpoint': 'true' }),
    /not https/,
  );
  assert.match(refused({ [endpoint]: 'https://user:secret@events.example' }), /password/);
  assert.match(refused({ [endpoint]: 'events' }), /no address/);
  const good = { [endpoint]: 'https://events.example/x' };
  assert.equal(refused(good), '');
  assert.match(refused({ ...good, 'cdc.enabled': 'false' }), /cdc.enabled/);
  assert.match(refused({ ...good, 'cdc.tableFilter': '(' }), /regular expression/);
  assert.match(refused({ ...good, 'cdc.tls.key': '/k' }), /go together/);
  assert.match(refused({ ...good, 'cdc.transmitMinBackoffMs': '40000' }), /above/);
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'open'), 'k'.repeat(40), { mode: 0o644 });
  writeFileSync(join(folder, 'short'), 'short', { mode: 0o600 });
  for (const [name, code] of [
    ['open', 'file_permissions'],
    ['short', 'config_invalid'],
  ] as const) {
    const settings = settingsFrom({ ...good, 'cdc.signatureKeyFile': join(folder, name) });
    assert.ok(settings);
    assert.throws(
      () => new WebhookClient(settings, systemFiles, wallMs),
      (error) => error instanceof CodedError && error.code === code,
    );
  }
});
