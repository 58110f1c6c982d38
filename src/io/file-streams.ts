// Whole files as streams, for commands: what a person saves and sends. Not for a server's own data.
import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const privateMode = 0o600;

/**
 * Saves a stream under a name (mode 0600): beside it until it is whole and durable, so that the
 * name never stands for half of it. Errors are the operating system's or the stream's; nothing is
 * left over.
 */
export const saveStream = async (
  path: string,
  source: Readable,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<void> => {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.part`;
  try {
    const target = createWriteStream(temporary, { flags: 'wx', mode: privateMode, flush: true });
    source.on('data', (chunk: Buffer) => onBytes(chunk.length));
    await pipeline(source, target);
    await rename(temporary, path);
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
};

/** A file as a stream, and its size. Errors are the operating system's. */
export const openStream = async (
  path: string,
): Promise<{ readonly stream: Readable; readonly bytes: number }> => {
  const { size } = await stat(path);
  return { stream: createReadStream(path), bytes: size };
};
