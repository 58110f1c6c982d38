// A SegmentedLog over a simulated disk, with appends as the core makes them.
import { systemClock } from '#io/clock.ts';
import { seededRandom } from '#io/random.ts';
import { appendRecords } from '#log/append-records.ts';
import type { LogAppend } from '#log/durable-log.ts';
import { encodeBatch } from '#log/log-record.ts';
import { LogState } from '#log/log-state.ts';
import { SegmentedLog } from '#log/segmented-log.ts';
import { logIndex } from '#raft/log-index.ts';
import { appendOf } from './log-fixtures.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

export const folder = '/data/raft';

/** A page and a half of frames: a few appends fill it. */
export const segmentBytes = 4096 + 2048;

/** An open log on a simulated disk. */
export interface SimulatedLog {
  readonly log: SegmentedLog;
  readonly state: LogState;
  append(parts: Partial<LogAppend>): void;
}

let seed = 0;

/** Opens the log on a disk. */
export const openOn = (
  disk: SimulatedDisk,
  options: { segmentBytes?: number; recentBytesMax?: number } = {},
): SimulatedLog => {
  // Salts differ from run to run, as they do in earnest.
  seed += 1;
  const log = new SegmentedLog(
    { folder, segmentBytes, recentBytesMax: 1 << 20, ...options },
    { files: disk, random: seededRandom(seed), clock: systemClock },
  );
  const state = LogState.of(log.recovered);
  return {
    log,
    state,
    append: (parts) => {
      log.append(encodeBatch(appendRecords(appendOf(parts), state)));
    },
  };
};

/** Everything a log holds, as it reads it. */
export const contentOf = ({ log, state }: SimulatedLog) =>
  log.read(logIndex(state.terms.trimmedIndex + 1), Number.POSITIVE_INFINITY);
