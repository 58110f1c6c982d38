// Checks a database file that came from another node before it is used: its header, its pages, what
// it says of itself, its schema. It is opened read-only, with nothing in its schema trusted, in a
// process that can be killed. (SQLite's own advice for database files of unknown origin.)
import { decodeClusterRecord } from '#command/cluster-record-codec.ts';
import { applySettings, checkVersion, readerSettings } from '#db/connection-settings.ts';
import { type Engine, noBindings, openEngine, sqlErrorFrom } from '#db/engine.ts';
import { Guard } from '#db/guard.ts';
import { clusterKey, hasOwnTables, PositionStore } from '#db/position.ts';
import { storedConfiguration } from '#db/stored-configuration.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Membership } from '#raft/membership.ts';
import { checkHeader } from './check-header.ts';
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
  checkHeader(path, files);
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
  return { index, term, membership, clusterRecord, active: checkSchema(engine) };
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

/** In the order in which they can be made: what an object names comes before it. */
const schemaText = `
  SELECT s.type, s.name, s.sql, t.type = 'virtual'
  FROM sqlite_schema s LEFT JOIN pragma_table_list t ON t.schema = 'main' AND t.name = s.name
  WHERE s.sql IS NOT NULL AND coalesce(t.type, '') <> 'shadow'
    AND substr(lower(s.tbl_name), 1, 10) <> '_stockade_'
    AND substr(lower(s.name), 1, 7) <> 'sqlite_'
  ORDER BY t.type = 'virtual' DESC,
    CASE s.type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, s.rowid`;

/** Judges every object as if a user were to make it now; gives those that run by themselves. */
const checkSchema = (engine: Engine): readonly string[] => {
  const rows = engine.prepare(schemaText).all(noBindings, false);
  const guard = new Guard([], () => 'small');
  try {
    const texts = rows.map(([, , sql]) => String(sql));
    for (const [at, verdict] of guard.judge({ texts, heavy: true }).entries()) {
      if (verdict.kind === 'allowed') continue;
      const why = verdict.kind === 'refused' ? verdict.reason : verdict.message;
      throw refuseImage(
        `its schema holds ${String(rows[at]?.[1])}, which the guard refuses: ${why}`,
      );
    }
  } finally {
    guard.close();
  }
  return rows
    .filter(([type, , , isVirtual]) => type === 'trigger' || type === 'view' || isVirtual === 1)
    .map(([type, name]) => `${String(type)} ${String(name)}`);
};
