// Makes of a user's database file one of our own: checked, written anew page by page, without what
// must not come along (statistics, tables under this program's prefix). Only what is made here is
// replicated. Runs in a process of its own, which can be killed.
import { createHash } from 'node:crypto';
import { applySettings, checkVersion, readerSettings } from '#db/connection-settings.ts';
import { type Engine, noBindings, openEngine } from '#db/engine.ts';
import { checkSchema } from '#db/image/check-schema.ts';
import { piecesOf } from '#db/image/pieces.ts';
import type { FileSystem } from '#io/file-system.ts';
import { loadFileBytesMax } from '#limits.ts';
import { checkFile, refusingFile } from './check-file.ts';
import { pageBytes } from './load-bounds.ts';
import { refuseFile } from './refuse-file.ts';

const headerBytes = 100;
const magic = 'SQLite format 3\0';

/** Read and hashed at a time. */
const hashedBytes = 1024 * 1024;

/** A file to replicate. */
export interface ConvertedFile {
  readonly bytes: number;
  /** SHA-256. */
  readonly digest: Buffer;
}

/**
 * Converts `from`, which is changed in its header, to `to`, where nothing is yet.
 *
 * @throws CodedError `bad_request` with the reason; MachineError
 */
export const convertFile = (from: string, to: string, files: FileSystem): ConvertedFile => {
  settleHeader(from, files);
  rewrite(from, to);
  refusingFile(() => dropWhatStays(to));
  checkFile(to, 'all', files);
  return digestOf(to, files);
};

/**
 * A file that says that a write-ahead log belongs to it came without one: what it holds is all.
 */
const settleHeader = (path: string, files: FileSystem): void => {
  const file = files.open(path, 'write');
  try {
    const header = Buffer.alloc(headerBytes);
    if (file.read(header, 0) < headerBytes || header.toString('latin1', 0, 16) !== magic) {
      throw refuseFile('it is no database');
    }
    checkLength(header, file.status().bytes);
    if (header[18] === 2 && header[19] === 2) file.write([Buffer.of(1, 1)], 18);
  } finally {
    file.close();
  }
};

/** SQLite would read what is missing at the end as zeros. */
const checkLength = (header: Buffer, fileBytes: number): void => {
  const stored = header.readUInt16BE(16);
  const size = stored === 1 ? 65_536 : stored;
  if (size < 512 || fileBytes % size !== 0) throw refuseFile('it ends within a page');
  // Very old programs do not count pages; then the second counter is not the first.
  const counted = header.readUInt32BE(24) === header.readUInt32BE(92);
  const pages = header.readUInt32BE(28);
  if (counted && pages !== 0 && pages * size !== fileBytes) {
    throw refuseFile(`its header says ${pages} pages, the file has ${fileBytes} bytes`);
  }
};

const rewrite = (from: string, to: string): void => {
  refusingFile(() => {
    const engine = openEngine(from, { readonly: true, busyTimeoutMs: 0 });
    try {
      checkVersion(engine);
      applySettings(engine, readerSettings);
      const encoding = String(engine.value('PRAGMA encoding'));
      if (encoding !== 'UTF-8') throw refuseFile(`its texts are ${encoding}, not UTF-8`);
      checkSchema(engine, refuseFile);
      const found = engine.value('PRAGMA quick_check(1)');
      if (found !== 'ok') throw refuseFile(`it is damaged: ${String(found)}`);
      engine.execute(`PRAGMA page_size = ${pageBytes}; PRAGMA auto_vacuum = NONE`);
      engine.execute(`VACUUM INTO '${to.replaceAll("'", "''")}'`);
    } finally {
      engine.close();
    }
  });
};

const staysText = `SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view')
  AND (substr(lower(name), 1, 10) = '_stockade_' OR substr(lower(name), 1, 11) = 'sqlite_stat')`;

/** Statistics would make plans that no ANALYZE of the log has made. */
const dropWhatStays = (path: string): void => {
  const engine = openEngine(path, { readonly: false, busyTimeoutMs: 0 });
  try {
    engine.execute('PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF');
    const objects = engine.prepare(staysText).all(noBindings, false);
    dropAll(
      engine,
      objects.map(([type, name]) => [String(type), String(name)] as const),
    );
    if (objects.length > 0) engine.execute('VACUUM');
  } finally {
    engine.close();
  }
};

const dropAll = (engine: Engine, objects: readonly (readonly [string, string])[]): void => {
  for (const [type, name] of objects) {
    engine.execute(`DROP ${type} IF EXISTS "${name.replaceAll('"', '""')}"`);
  }
};

const digestOf = (path: string, files: FileSystem): ConvertedFile => {
  const file = files.open(path, 'read');
  try {
    const { bytes } = file.status();
    if (bytes > loadFileBytesMax) throw refuseFile(`it has more than ${loadFileBytesMax} bytes`);
    const hash = createHash('sha256');
    for (const piece of piecesOf(file, bytes, hashedBytes)) hash.update(piece);
    return { bytes, digest: hash.digest() };
  } finally {
    file.close();
  }
};
