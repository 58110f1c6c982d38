// The first hundred bytes of a database file, before SQLite sees it (sqlite.org/fileformat2.html).
import type { FileSystem } from '#io/file-system.ts';
import type { Refuse } from './check-schema.ts';

const headerBytes = 100;
const magic = 'SQLite format 3\0';

/** @throws what `refuse` makes when this is no whole database file that needs no other */
export const checkHeader = (path: string, files: FileSystem, refuse: Refuse): void => {
  const header = Buffer.alloc(headerBytes);
  const file = files.open(path, 'read');
  let fileBytes: number;
  try {
    fileBytes = file.status().bytes;
    if (file.read(header, 0) < headerBytes) throw refuse('it is no database');
  } finally {
    file.close();
  }
  if (header.toString('latin1', 0, magic.length) !== magic) throw refuse('it is no database');
  const stored = header.readUInt16BE(16);
  const pageBytes = stored === 1 ? 65_536 : stored;
  const isPower = pageBytes >= 512 && (pageBytes & (pageBytes - 1)) === 0;
  if (!isPower) throw refuse(`its pages have ${pageBytes} bytes`);
  // 2 would mean that a write-ahead log belongs to it, and none came with it.
  if (header[18] !== 1 || header[19] !== 1) throw refuse('it is not complete by itself');
  const pages = header.readUInt32BE(28);
  if (pages * pageBytes !== fileBytes) {
    throw refuse(`its header says ${pages} pages, the file has ${fileBytes} bytes`);
  }
};
