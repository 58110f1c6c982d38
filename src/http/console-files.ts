// The web console's files: a closed list, read once at the start and kept in memory, so that no
// request ever names a file of the disk. What they hold is in the folder `console`.
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const types = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
} as const;

/** The page, which `/console/` gives; it has no name of its own. */
const page = 'index.html';

/** All files of the folder. */
export const consoleFileNames = [
  page,
  'console.css',
  'icon.svg',
  'main.js',
  'api.js',
  'backup.js',
  'cluster.js',
  'elements.js',
  'exact-json.js',
  'history.js',
  'present.js',
  'query.js',
  'schema.js',
  'split-statements.js',
] as const;

/** A file as it is sent. */
export interface ConsoleFile {
  readonly contentType: string;
  readonly body: string;
  /** Strong: the hash of all bytes, in quotes. */
  readonly etag: string;
}

/** The files by what stands behind `/console/` in a path; the page by the empty text. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

/** Reads a file of UTF-8 text whose path it is given. */
export type ReadConsoleFile = (path: string) => Promise<string>;

const typeOf = (name: string): string =>
  Object.entries(types).find(([ending]) => name.endsWith(`.${ending}`))?.[1] ?? '';

/** Reads all files. Rejects with what `read` rejects with. */
export const readConsoleFiles = async (read: ReadConsoleFile): Promise<ConsoleFiles> => {
  const files = consoleFileNames.map(async (name) => {
    const body = await read(fileURLToPath(new URL(`./console/${name}`, import.meta.url)));
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    return [name === page ? '' : name, { contentType: typeOf(name), body, etag }] as const;
  });
  return new Map(await Promise.all(files));
};

/** Whether an If-None-Match header (RFC 9110, 13.1.2) names this version of a file. */
export const isCurrent = (header: string | undefined, etag: string): boolean =>
  (header ?? '').split(',').some((each) => ['*', etag].includes(each.trim().replace(/^W\//, '')));
