// At a start: an image that was to be adopted when the node stopped. The log tells: it begins
// behind an entry that the database does not hold, because the record of the image is in it. Then
// the image lies among the generations, complete, and is made the current one now.
import { hasGeneration, imageGeneration } from '#db/generations.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { RecoveredLog } from '#log/durable-log.ts';
import type { WriterKeeper } from '#node/writer-keeper.ts';
import type { OpenWriter } from '#node/writer-process.ts';

/** The database to start with: the one that was found, or the one that an image brings. */
export const recoverAdoption = async (
  log: RecoveredLog,
  found: OpenWriter,
  keeper: WriterKeeper,
  folder: string,
  files: FileSystem,
): Promise<OpenWriter> => {
  if (log.trimmedIndex <= found.appliedIndex) return found;
  const generation = imageGeneration(log.trimmedIndex, log.trimmedTerm);
  // Without it the log and the database do not fit: the start is refused.
  if (!hasGeneration(folder, generation, files)) return found;
  keeper.retire();
  return keeper.adopt(generation);
};
