// Replaces entries of a stopped node's log: the whole log is written anew beside the old one, and
// takes its place when it is durable. The old one stays, under a name of its own, until a person
// removes it. A crash leaves the old log, or a `raft.ready` that the next run puts in its place.
import { join } from 'node:path';
import { clearFolder } from '#db/generations.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { DurableLog } from '#log/durable-log.ts';
import type { Entry } from '#raft/entry.ts';
import { indexAfter, type LogIndex } from '#raft/log-index.ts';
import { logFolder, openStoppedLog, readBytesMax, type StoppedLog } from './stopped-node.ts';

const remove = (folder: string, files: FileSystem): void => {
  if (files.status(folder) === undefined) return;
  clearFolder(folder, files);
  files.removeFolder(folder);
};

/** Writes every entry, as `replace` gives it, into another log. */
const copyLog = async (
  from: DurableLog,
  folder: string,
  replace: (entry: Entry) => Entry,
): Promise<void> => {
  const { trimmedIndex, trimmedTerm, lastIndex, hardState } = from.recovered;
  const to = await openStoppedLog(folder);
  const nothing = { snapshot: undefined, truncateFrom: undefined, entries: [] };
  try {
    if (trimmedIndex > 0) {
      const snapshot = { index: trimmedIndex, term: trimmedTerm };
      await to.append({ ...nothing, snapshot, hardState: undefined });
    }
    for (let next: LogIndex = indexAfter(trimmedIndex); next <= lastIndex; ) {
      const entries = await from.read(next, readBytesMax);
      const last = entries.at(-1);
      if (last === undefined) break;
      await to.append({ ...nothing, entries: entries.map(replace), hardState: undefined });
      next = indexAfter(last.index);
    }
    await to.append({ ...nothing, hardState });
  } finally {
    await to.close();
  }
};

/** Puts a log that is ready in its place, if a crash left one. */
export const finishRewrite = (dataFolder: string, files: FileSystem): void => {
  const place = logFolder(dataFolder);
  const ready = join(dataFolder, 'raft.ready');
  if (files.status(place) !== undefined || files.status(ready) === undefined) return;
  files.rename(ready, place);
  files.syncFolder(dataFolder);
};

/**
 * Replaces entries of the log of a stopped node; its log is open and is closed here. The old log is
 * kept in `raft.before-<label>`.
 *
 * @throws CodedError of the log: nothing has changed then
 */
export const rewriteLog = async (
  dataFolder: string,
  from: StoppedLog,
  label: string,
  replace: (entry: Entry) => Entry,
  files: FileSystem,
): Promise<void> => {
  const [fresh, ready] = [join(dataFolder, 'raft.new'), join(dataFolder, 'raft.ready')];
  const kept = join(dataFolder, `raft.before-${label}`);
  for (const leftover of [fresh, ready, kept]) remove(leftover, files);
  await copyLog(from.log, fresh, replace);
  await from.close();
  files.rename(fresh, ready);
  files.syncFolder(dataFolder);
  files.rename(logFolder(dataFolder), kept);
  files.rename(ready, logFolder(dataFolder));
  files.syncFolder(dataFolder);
};
