// What was typed before, kept for the next time: newest last, no statement that holds a password.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readTextFile, writePrivateText } from '#io/text-files.ts';

/** Lines kept. */
export const historyLinesMax = 1000;

const fileBytesMax = 4 * 1024 * 1024;

/** Where the history is. */
export const historyPath = (): string => join(homedir(), '.stockade_history');

/** Lines, oldest first; none when there is no file or it cannot be read. */
export const readHistory = async (path: string): Promise<readonly string[]> => {
  const text = await readTextFile(path, fileBytesMax).catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .slice(-historyLinesMax);
};

/** Keeps lines, oldest first. A history that cannot be kept is no reason to fail. */
export const keepHistory = async (path: string, lines: readonly string[]): Promise<void> => {
  const kept = lines.slice(-historyLinesMax).filter((line) => !line.includes('\n'));
  await writePrivateText(path, kept.map((line) => `${line}\n`).join('')).catch(() => undefined);
};
