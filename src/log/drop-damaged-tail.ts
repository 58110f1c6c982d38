// The way out of a damaged log (`--recover-tail`): everything behind the first place that cannot be
// read is given up. What is lost may have been acknowledged, votes included, so the node must not
// vote or count for anything until it has caught up as a learner; that is the caller's part.
import { join } from 'node:path';
import type { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import { zeroSliceBytes } from './limits.ts';
import { readablePartOf, segmentNumbersIn } from './recover-log.ts';
import { segmentNameOf } from './segment-file.ts';
import type { Segment } from './segment-list.ts';

/**
 * Makes a damaged log readable; gives the damage, or undefined when there was none and nothing was
 * changed. Call it before the log is opened. Interrupted, it leaves the log damaged, as it was
 * until the last step. Errors are the operating system's, or `data_folder_foreign`.
 */
export const dropDamagedTail = (files: FileSystem, folder: string): CodedError | undefined => {
  if (files.status(folder) === undefined) return undefined;
  const readable = readablePartOf(files, folder);
  if (readable === undefined) return undefined;
  // Zeros first: whole frames behind the damage would otherwise count again once the next frame
  // happens to end where one of them begins.
  const { lastSegment } = readable;
  if (lastSegment !== undefined) zeroFrom(files, folder, lastSegment, readable.end);
  const last = lastSegment?.number ?? 0;
  const dropped = segmentNumbersIn(files, folder).filter((number) => number > last);
  for (const number of dropped.toReversed()) {
    files.remove(join(folder, segmentNameOf(number)));
    files.syncFolder(folder);
  }
  return readable.damage;
};

const zeroFrom = (files: FileSystem, folder: string, segment: Segment, start: number): void => {
  const file = files.open(join(folder, segmentNameOf(segment.number)), 'write');
  try {
    for (let at = start; at < segment.bytes; at += zeroSliceBytes) {
      file.writeZeros(Math.min(zeroSliceBytes, segment.bytes - at), at);
    }
    file.syncData();
  } finally {
    file.close();
  }
};
