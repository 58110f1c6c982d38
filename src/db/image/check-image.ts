// Checks a database file that came from another node before it is used: its header, its pages, what
// it says of itself, its schema. It is opened read-only, with nothing in its schema trusted, in a
// process that can be killed. (SQLite's own advice for database files of unknown origin.)
import { decodeClusterRecord } from '#command/cluster-record-codec.ts';
import { applySettings, checkVersion, readerSettings } from '#db/connection-settings.ts';
import { type Engine, openEngine, sqlErrorFrom } from '#db/engine.ts';
import { clusterKey, hasOwnTables, PositionStore } from '#db/position.ts';
import { storedConfiguration } from '#db/stored-configuration.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Membership } from '#raft/membership.ts';
import { checkHeader } from './check-header.ts';
import { checkSchema } from './check-schema.ts';
import { refuseImage } from './refuse-image.ts';

/** What a checked image holds. */
export interface CheckedImage {
  readonly index: number;
  readonly term: number;
  readonly membership: Membership;
  /** The encoded cluster record, base64. */
  readonly clusterRecord: string;
  /** Triggers, views and virtual tables, for the log of this node: they run by themselves. */
  readonly active: readonly string[];
}

/** What it must hold. */
export interface ExpectedImage {
  readonly index: number;
  readonly term: number;
  readonly cluster: string;
}

/**
 * The content of the database at `path`.
 *
 * @throws CodedError `bad_request` with the reason why it is refused
 */
export const checkImage = (
  path: string,
  expected: ExpectedImage,
  files: FileSystem,
): CheckedImage => {
  checkHeader(path, files, refuseImage);
  try {
    const engine = openEngine(path, { readonly: true, busyTimeoutMs: 0 });
    try {
      checkVersion(engine);
      applySettings(engine, readerSettings);
      return checkContent(engine, expected);
    } finally {
      engine.close();
    }
  } catch (thrown) {
    const sql = sqlErrorFrom(thrown);
    throw sql === undefined ? thrown : refuseImage(`SQLite says "${sql.message}"`, thrown);
  }
};

const checkContent = (engine: Engine, expected: ExpectedImage): CheckedImage => {
  const found = engine.value('PRAGMA quick_check(1)');
  if (found !== 'ok') throw refuseImage(`its pages are damaged: ${String(found)}`);
  if (!hasOwnTables(engine)) throw refuseImage('it is no database of this program');
  const store = new PositionStore(engine);
  const { index, term } = store.read();
  if (index !== expected.index || term !== expected.term) {
    throw refuseImage(
      `it ends at entry ${index} of term ${term}, not ${expected.index} of ${expected.term}`,
    );
  }
  if (store.readValue(clusterKey) !== expected.cluster)
    throw refuseImage('it is of another cluster');
  const { membership, clusterRecord } = storedConfiguration(store);
  if (membership.voters.length === 0) throw refuseImage('it names no voters');
  requireRecord(clusterRecord);
  return { index, term, membership, clusterRecord, active: checkSchema(engine, refuseImage) };
};

/**
 * The node reads the record when the image is adopted; one it cannot read must not get that far.
 */
const requireRecord = (encoded: string): void => {
  try {
    decodeClusterRecord(Buffer.from(encoded, 'base64'));
  } catch {
    throw refuseImage('its record of the members cannot be read');
  }
};
