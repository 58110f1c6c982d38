// Settings of the cluster: recorded in every database, the same on every node or no node at all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeClusterRecord, encodeClusterRecord } from '#command/cluster-record-codec.ts';
import { encodeConfiguration } from '#command/configuration-codec.ts';
import { noClusterRecord } from '#command/member.ts';
import { settingsIn, withSettings } from '#db/cluster-settings.ts';
import type { CommittedEntry } from '#db/writer.ts';
import { CodedError } from '#errors.ts';
import { createLogger } from '#node/logger.ts';
import { WriterKeeper } from '#node/writer-keeper.ts';
import { executed, temporaryFolder, writerIn } from './support.ts';

const members = encodeClusterRecord({
  ...noClusterRecord,
  members: [{ name: 'a', storeId: 's', keyPin: 'k', peerAddress: 'h:1', apiUrl: 'https://h:2' }],
});

const configuration = (index: number, context: Uint8Array): CommittedEntry => ({
  index,
  term: 1,
  kind: 'configuration',
  data: encodeConfiguration({
    voters: ['a'],
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
    context,
  }),
  render: 0,
});

const enforcing = withSettings(members, { foreignKeys: true });

const invalid = (error: unknown): boolean =>
  error instanceof CodedError &&
  error.code === 'config_invalid' &&
  error.details.hint?.includes('db.foreignKeys to true') === true;

const tables = ['CREATE TABLE p(id INTEGER PRIMARY KEY)', 'CREATE TABLE c(p REFERENCES p(id))'];

test('settings travel beside the members and stay with them when these change', () => {
  assert.deepEqual(settingsIn(enforcing), { foreignKeys: true });
  assert.deepEqual(settingsIn(withSettings(members, { foreignKeys: false })), {
    foreignKeys: false,
  });
  assert.equal(settingsIn(members), undefined);
  const record = decodeClusterRecord(enforcing);
  assert.deepEqual(record.members, decodeClusterRecord(members).members);
  const changed = encodeClusterRecord({ ...record, members: [] });
  assert.deepEqual(settingsIn(changed), { foreignKeys: true });
});

test('a node that is configured differently applies nothing of its cluster; once it agrees it does', (t) => {
  const folder = temporaryFolder(t);
  const wrong = writerIn(t, folder, { foreignKeys: false });
  assert.throws(() => wrong.apply([configuration(1, enforcing)]), invalid);
  wrong.close();
  const right = writerIn(t, folder, { foreignKeys: true });
  assert.equal(right.state.appliedIndex, 0);
  right.apply([configuration(1, enforcing)]);
  executed(right, tables);
  assert.match(executed(right, ['INSERT INTO c VALUES(9)']), /FOREIGN KEY constraint failed/);
});

test('a database keeps the settings of its cluster: another configuration is refused, none follows it', (t) => {
  const folder = temporaryFolder(t);
  const first = writerIn(t, folder, { foreignKeys: true });
  first.apply([configuration(1, enforcing)]);
  executed(first, tables);
  // A later change of the members carries no settings.
  first.apply([configuration(3, members)]);
  first.close();
  assert.throws(() => writerIn(t, folder, { foreignKeys: false }), invalid);
  const following = writerIn(t, folder);
  assert.match(executed(following, ['INSERT INTO c VALUES(9)']), /FOREIGN KEY constraint failed/);
});

test('settings of a version that is not known here stop the writer before it applies them', (t) => {
  const writer = writerIn(t, temporaryFolder(t));
  // Field 3 with the message { 1: 2 }: version 2.
  const unknown = Buffer.concat([members, Buffer.from([0x1a, 2, 0x08, 2])]);
  assert.throws(
    () => writer.apply([configuration(1, unknown)]),
    (error) => error instanceof CodedError && error.code === 'config_invalid',
  );
});

test('a node whose log says that it is configured differently ends: no writer is started again', async (t) => {
  const { keeper, writer } = await WriterKeeper.open(
    { folder: temporaryFolder(t), cluster: 'c', foreignKeys: false, changeBytes: 0 },
    createLogger('silent', 'json', { node: 'n', part: 'writer' }),
  );
  t.after(() => keeper.stop(5000));
  const fatal = new Promise((resolve) => {
    keeper.attach({ onReady: () => undefined, onLost: () => undefined, onFatal: resolve });
  });
  writer.apply([configuration(1, enforcing)], () => undefined);
  assert.ok(invalid(await fatal));
  assert.equal(keeper.pid, 0);
});
