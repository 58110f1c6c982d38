// What a process of a node counts of itself: memory, CPU, descriptors, and how late its timers
// come. It asks for nothing while nobody asks for it, but for one timer.
import { Buffer } from 'node:buffer';
import type { Sample } from '#http/metrics/exposition.ts';
import { Histogram } from '#http/metrics/histogram.ts';
import type { FileSystem } from '#io/file-system.ts';

/** What a process is for. */
export type ProcessKind = 'node' | 'writer' | 'front' | 'reader';

/** Often enough to see what holds a process up, too seldom to cost anything. */
const timerMs = 100;

const kib = 1024;
const statusBytesMax = 8192;

/** See the head of this file. */
export class ProcessNumbers {
  readonly #kind: ProcessKind;
  readonly #files: FileSystem;
  readonly #delays = new Histogram();
  #lastMs: number;

  /** @param nowMs a monotonic clock, milliseconds */
  constructor(kind: ProcessKind, files: FileSystem, nowMs: () => number) {
    this.#kind = kind;
    this.#files = files;
    this.#lastMs = nowMs();
    setInterval(() => {
      const now = nowMs();
      this.#delays.observe(Math.max(0, now - this.#lastMs - timerMs) / 1000);
      this.#lastMs = now;
    }, timerMs).unref();
  }

  /** The numbers now. */
  samples(): readonly Sample[] {
    const labels = { process: this.#kind };
    const { user, system } = process.cpuUsage();
    const own = {
      stockade_process_resident_memory_bytes: process.memoryUsage.rss(),
      stockade_process_cpu_seconds_total: (user + system) / 1e6,
      ...descriptorsOf(this.#files),
    };
    return [
      ...Object.entries(own).map(([name, value]) => ({ name, labels, value })),
      ...this.#delays.samples('stockade_process_loop_delay_seconds', labels),
    ];
  }
}

/** Empty where the system has no such list. */
const descriptorsOf = (files: FileSystem): { readonly stockade_process_open_fds?: number } => {
  try {
    return { stockade_process_open_fds: files.list('/proc/self/fd').length };
  } catch {
    return {};
  }
};

/** Memory of other processes that this one started, together; empty where nobody knows. */
export const residentSamples = (
  kind: ProcessKind,
  pids: readonly number[],
  files: FileSystem,
): readonly Sample[] => {
  const known = pids.map((pid) => residentBytesOf(pid, files)).filter((bytes) => bytes > 0);
  if (known.length === 0) return [];
  const value = known.reduce((sum, bytes) => sum + bytes, 0);
  return [{ name: 'stockade_process_resident_memory_bytes', labels: { process: kind }, value }];
};

/** 0 when the process is gone, or the system does not tell. */
const residentBytesOf = (pid: number, files: FileSystem): number => {
  try {
    const file = files.open(`/proc/${pid}/status`, 'read');
    const text = Buffer.alloc(statusBytesMax);
    const bytes = file.read(text, 0);
    file.close();
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(text.toString('latin1', 0, bytes));
    return Number(found?.[1] ?? 0) * kib;
  } catch {
    return 0;
  }
};
