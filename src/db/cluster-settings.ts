// Settings that are part of the replicated state, because what a write does depends on them. The
// first entry of a cluster carries them, as a further field of the message with its members; each
// database records them. A node whose configuration says otherwise does not start.
import { WireReader, WireWriter, wireType } from '#command/wire.ts';
import { CodedError } from '#errors.ts';
import type { PositionStore } from './position.ts';

/** What is the same on every node of a cluster, for as long as it exists. */
export interface ClusterSettings {
  /** Foreign keys are enforced. */
  readonly foreignKeys: boolean;
}

/** Version of the message in an entry. */
const settingsVersion = 1;

/** The field of the cluster record that holds it (configuration.proto). */
const settingsField = 3;

const foreignKeysName = 'foreign_keys';

const writer = new WireWriter();

/** The context of the first configuration entry: an encoded cluster record, and the settings. */
export const withSettings = (members: Uint8Array, settings: ClusterSettings): Buffer => {
  writer.start();
  writer.varintField(1, settingsVersion);
  if (settings.foreignKeys) writer.varintField(2, 1);
  const message = writer.finish();
  writer.start();
  writer.bytesField(settingsField, message);
  return Buffer.concat([members, writer.finish()]);
};

const settingsFrom = (message: Uint8Array): ClusterSettings => {
  const reader = new WireReader(message);
  let version = 0;
  let foreignKeys = false;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === 8 + wireType.varint) version = reader.varint();
    else if (tag === 16 + wireType.varint) foreignKeys = reader.varint() !== 0;
    else reader.skip(tag, 2);
  }
  if (version === settingsVersion) return { foreignKeys };
  throw new CodedError(
    'config_invalid',
    `the cluster has settings of version ${version}, this program knows ${settingsVersion}`,
    { hint: 'Start the version of this program that the other nodes run.' },
  );
};

/**
 * The settings that a configuration entry carries; undefined when it carries none.
 *
 * @throws CodedError `config_invalid` for a version that is not known here
 */
export const settingsIn = (context: Uint8Array): ClusterSettings | undefined => {
  const reader = new WireReader(context);
  let found: ClusterSettings | undefined;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === settingsField * 8 + wireType.bytes) found = settingsFrom(reader.bytes());
    else reader.skip(tag);
  }
  return found;
};

const different = (cluster: ClusterSettings): CodedError =>
  new CodedError(
    'config_invalid',
    `db.foreignKeys differs from this node's cluster, where it is ${String(cluster.foreignKeys)}`,
    {
      hint: `Set db.foreignKeys to ${String(cluster.foreignKeys)}; it is chosen once, when the cluster is created.`,
    },
  );

const recorded = (store: PositionStore): ClusterSettings | undefined => {
  const value = store.readValue(foreignKeysName);
  return value === null ? undefined : { foreignKeys: Number(value) === 1 };
};

/**
 * The settings to open a database with; within a transaction. Until the first entry is applied they
 * are those of the node, and none means that everything is off.
 *
 * @throws CodedError `config_invalid` when the node's configuration differs from its cluster
 */
export const openSettings = (
  store: PositionStore,
  configured: ClusterSettings | undefined,
): ClusterSettings => {
  const known = recorded(store);
  if (known !== undefined && store.read().index > 0) {
    if (configured !== undefined && configured.foreignKeys !== known.foreignKeys) {
      throw different(known);
    }
    return known;
  }
  const settings = configured ?? known ?? { foreignKeys: false };
  store.writeValue(foreignKeysName, settings.foreignKeys ? 1n : 0n);
  return settings;
};

/**
 * Compares what an entry says with what the database was opened with.
 *
 * @throws CodedError `config_invalid` when they differ: the entry must not be applied then
 */
export const requireSettings = (store: PositionStore, context: Uint8Array): void => {
  const cluster = settingsIn(context);
  if (cluster !== undefined && cluster.foreignKeys !== recorded(store)?.foreignKeys) {
    throw different(cluster);
  }
};
