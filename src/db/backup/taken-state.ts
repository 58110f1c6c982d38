// What a backup is of, and whether a file holds it: the position and the content hash of a
// snapshot, and the content hash of a database file that came from somewhere.
import { hashContent } from '#db/content-hash.ts';
import { type Engine, noBindings, openEngine, sqlErrorFrom } from '#db/engine.ts';
import { PositionStore } from '#db/position.ts';
import { CodedError } from '#errors.ts';

/** Content as a backup's description has it: without the statistics of ANALYZE. */
export interface FileContent {
  /** Hexadecimal. */
  readonly digest: string;
  readonly rows: number;
}

/** The state that a backup is taken from. */
export interface TakenState extends FileContent {
  readonly index: number;
  readonly term: number;
}

/** Where the snapshot that is open on this connection stands. */
export const positionIn = (snapshot: Engine): { readonly index: number; readonly term: number } => {
  const { index, term } = new PositionStore(snapshot).read();
  return { index, term };
};

/**
 * The state in the snapshot that is open on this connection. @throws CodedError `storage_failed`
 */
export const takenStateOf = (snapshot: Engine): TakenState => {
  const { digest, rows } = hashContent(snapshot, false);
  return { ...positionIn(snapshot), digest, rows };
};

const refused = (why: string, cause?: unknown): CodedError =>
  new CodedError('backup_invalid', `the file is no sound database: ${why}`, {
    hint: 'Take another backup; keep this one for whoever looks into it.',
    ...(cause === undefined ? {} : { cause }),
  });

const checked = (engine: Engine): FileContent => {
  engine.execute('PRAGMA query_only = ON');
  engine.execute('PRAGMA cell_size_check = ON');
  engine.execute('PRAGMA trusted_schema = OFF');
  const [first] = engine.prepare('PRAGMA quick_check(1)').all(noBindings, false);
  if (first?.[0] !== 'ok') throw refused(String(first?.[0]));
  const { digest, rows } = hashContent(engine, false);
  return { digest, rows };
};

/** Opens a database file, checks its structure and hashes its content. @throws `backup_invalid` */
export const contentOfFile = (path: string): FileContent => {
  try {
    const engine = openEngine(path, { readonly: true, busyTimeoutMs: 0 });
    try {
      return checked(engine);
    } finally {
      engine.close();
    }
  } catch (thrown) {
    if (thrown instanceof CodedError && thrown.code === 'backup_invalid') throw thrown;
    const error = thrown instanceof CodedError ? thrown : sqlErrorFrom(thrown);
    if (error === undefined) throw thrown;
    throw refused(error.message, thrown);
  }
};
