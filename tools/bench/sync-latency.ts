// What this machine's disk takes to make a write durable: fdatasync on a file whose size does not
// change, which is what a log of pre-written segments does. No database is faster than this.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { percentile } from './figures.ts';

const fileBytes = 16 * 1024 * 1024;
const writeBytes = 4096;
const rounds = 400;

/** Latencies in milliseconds. */
export interface SyncLatency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Measures in a new folder below `folder`, which is removed again. */
export const measureSync = (folder: string): SyncLatency => {
  const own = mkdtempSync(join(folder, 'stockade-bench-'));
  const file = openSync(join(own, 'log'), 'w', 0o600);
  try {
    writeSync(file, Buffer.alloc(fileBytes), 0, fileBytes, 0);
    fdatasyncSync(file);
    const block = Buffer.alloc(writeBytes, 1);
    const latencies = Float64Array.from({ length: rounds }, (_, round) => {
      const start = performance.now();
      writeSync(file, block, 0, writeBytes, (round * writeBytes) % fileBytes);
      fdatasyncSync(file);
      return performance.now() - start;
    }).sort();
    return {
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      maxMs: percentile(latencies, 1),
    };
  } finally {
    closeSync(file);
    rmSync(own, { recursive: true, force: true });
  }
};
