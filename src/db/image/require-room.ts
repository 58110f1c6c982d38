// Copies of the database (images, backups) give way to everything else on the disk: none is begun
// that could fill it.
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import { freeBytesKept, freeShareKept } from './bounds.ts';

/** @throws CodedError `disk_full` when `bytes` more would leave too little room */
export const requireRoom = (folder: string, bytes: number, files: FileSystem): void => {
  const { freeBytes, totalBytes } = files.space(folder);
  const kept = Math.min(freeBytesKept, Math.floor(totalBytes * freeShareKept));
  if (freeBytes - bytes >= kept) return;
  throw new CodedError(
    'disk_full',
    `a copy of the database needs ${bytes} bytes in ${folder}; ${freeBytes} are free, ${kept} must stay free`,
    { hint: 'Make room on this disk; images for other nodes are tried again by themselves.' },
  );
};
