// Finds a Node.js of at least the version Stockade needs: the one that runs this file, else the
// runtime that the lock file pins as an optional dependency. Plain JavaScript that old versions of
// Node can run; it must not import anything but Node's own modules.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The oldest major version of Node.js that runs Stockade's sources and better-sqlite3 13. */
export const nodeMajorMin = 24;

/** The project's root folder: the one that holds package.json. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const majorOf = (version) => Number.parseInt(version.replace(/^v/, ''), 10);

/** In our own node_modules, or, where this project is itself a dependency, in that one's. */
const pinnedNode = () => {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  const own = join(root, 'node_modules', name, 'bin', binary);
  return existsSync(own) ? own : join(dirname(root), name, 'bin', binary);
};

/** Path of a Node.js that is new enough, or undefined when there is none on this machine. */
export const findNode = () => {
  if (majorOf(process.version) >= nodeMajorMin) return process.execPath;
  const pinned = pinnedNode();
  if (!existsSync(pinned)) return undefined;
  const version = execFileSync(pinned, ['--version'], { encoding: 'utf8' }).trim();
  return majorOf(version) >= nodeMajorMin ? pinned : undefined;
};
