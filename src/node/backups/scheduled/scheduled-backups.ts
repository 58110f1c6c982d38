// When backups are taken: on the leader only, at intervals that the store remembers, one at a time.
// The work is another process's; here are the clock, the alarm and the numbers.

import { CodedError } from '#errors.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import type { Alarms } from '#node/alarms.ts';
import { errorOf } from '#node/backups/failure.ts';
import { type JobProcess, startJob } from '#node/backups/job-process.ts';
import type { Logger } from '#node/logger.ts';
import { scheduledProgress, takeScheduled } from '#node/seams/scheduled-backup-seam.ts';
import { describeStore } from '#store/open-store.ts';
import type { StoreSettings } from '#store/store-settings.ts';
import { backupMsMax, lookEveryMs, retryMsMax, retryMsMin, settleMs } from './bounds.ts';
import type { BackupEnd, BackupProgress, BackupTask } from './take-backup.ts';

/** What they need of the node. */
export interface ScheduledBackupsOptions {
  /**
   * Read anew each time, so that a new key needs no restart. @throws CodedError `config_invalid`
   */
  readonly store: () => StoreSettings;
  readonly task: BackupTask;
  readonly alarms: Alarms;
  readonly log: Logger;
  /** Whether this node leads and its data may be trusted. */
  readonly mayRun: () => boolean;
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
}

/** What became of attempts, since this node runs. */
type Counted = 'stored' | 'unchanged' | 'failed';

/** The last backup that this node stored. */
type LastStored = Extract<BackupEnd, { kind: 'stored' }> & { readonly tookMs: number };

/** Until the next attempt, behind so many failures in a row. */
export const pauseBehindFailures = (failures: number, intervalMs: number): number =>
  Math.min(retryMsMin * 2 ** (failures - 1), retryMsMax, Math.max(intervalMs, retryMsMin));

/** See the head of this file. */
export class ScheduledBackups {
  readonly #options: ScheduledBackupsOptions;
  readonly #timer: NodeJS.Timeout;
  #where: string;
  readonly #counts: Record<Counted, number> = { stored: 0, unchanged: 0, failed: 0 };
  /** By the monotonic clock; undefined: this node does not lead. */
  #nextMs: number | undefined;
  #job: JobProcess | undefined;
  #jobSinceMs = 0;
  #progress: BackupProgress | undefined;
  #failuresInRow = 0;
  #lastFailure: { readonly message: string; readonly atMs: number } | undefined;
  #lastStored: LastStored | undefined;
  /** When the newest backup in the store was taken, as far as this node knows; 0: it does not. */
  #newestMs = 0;

  constructor(options: ScheduledBackupsOptions) {
    this.#options = options;
    this.#where = describeStore(options.store());
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
  }

  /** For `/status`; whole objects, so that a program can rely on the keys. */
  status(): Record<string, unknown> {
    const { task } = this.#options;
    return {
      store: this.#where,
      interval_seconds: task.intervalMs / 1000,
      running: this.#job === undefined ? null : { pid: this.#job.pid, ...this.#progress },
      runs: { ...this.#counts },
      newest: timeText(this.#newestMs),
      last_stored: this.#lastStored === undefined ? null : storedText(this.#lastStored),
      last_failure:
        this.#lastFailure === undefined
          ? null
          : { error: this.#lastFailure.message, at: timeText(this.#lastFailure.atMs) },
    };
  }

  /** For `/metrics`. */
  samples(): readonly Sample[] {
    const plain = (name: string, value: number): Sample => ({ name, labels: {}, value });
    const last = this.#lastStored;
    return [
      ...Object.entries(this.#counts).map(([result, value]) => ({
        name: 'stockade_backup_runs_total',
        labels: { result },
        value,
      })),
      plain('stockade_backup_running', this.#job === undefined ? 0 : 1),
      ...(this.#newestMs === 0
        ? []
        : [plain('stockade_backup_newest_timestamp_seconds', this.#newestMs / 1000)]),
      ...(last === undefined
        ? []
        : [
            plain('stockade_backup_last_bytes', last.bytes),
            plain('stockade_backup_last_duration_seconds', last.tookMs / 1000),
          ]),
    ];
  }

  /** Gives up what is under way. */
  stop(): void {
    clearInterval(this.#timer);
    this.#job?.release();
    this.#job = undefined;
  }

  #look(): void {
    const { mayRun, monotonicMs, alarms } = this.#options;
    const now = monotonicMs();
    if (!mayRun()) {
      if (this.#nextMs === undefined) return;
      // Whoever leads now does it, and knows what is wrong.
      this.#nextMs = undefined;
      this.#failuresInRow = 0;
      alarms.clear('backup_failed');
      this.#job?.release();
      this.#job = undefined;
      return;
    }
    this.#nextMs ??= now + settleMs;
    if (this.#job !== undefined) {
      if (now - this.#jobSinceMs > backupMsMax) this.#job.release();
    } else if (now >= this.#nextMs) this.#start(now);
  }

  #start(now: number): void {
    const { task } = this.#options;
    this.#jobSinceMs = now;
    let store: StoreSettings;
    try {
      store = this.#options.store();
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#where = describeStore(store);
    const job = startJob('scheduled/scheduled-main', 'stockade-scheduled-backup');
    this.#job = job;
    this.#progress = undefined;
    job.seam.hear(scheduledProgress, (progress) => {
      this.#progress = progress;
    });
    job.seam.call(takeScheduled, { task, store }, (answer) => {
      job.release();
      // Given up because another node leads: nothing was done, and nothing failed.
      if (this.#job !== job) return;
      this.#job = undefined;
      if (answer.kind === 'gone') this.#failed(new Error('the process that makes it ended'));
      else if (answer.reply.kind === 'failed') this.#failed(errorOf(answer.reply));
      else this.#ended(answer.reply);
    });
  }

  #ended(end: BackupEnd): void {
    const { alarms, log, wallMs, monotonicMs, task } = this.#options;
    this.#failuresInRow = 0;
    this.#newestMs = end.lastMs;
    alarms.clear('backup_failed');
    const now = monotonicMs();
    this.#nextMs = now + task.intervalMs;
    if (end.kind === 'early') {
      this.#nextMs = now + Math.max(0, end.lastMs + task.intervalMs - wallMs());
      return;
    }
    this.#counts[end.kind] += 1;
    if (end.kind === 'unchanged') {
      log.debug({ backup: 'unchanged' }, 'nothing changed since the last backup');
      return;
    }
    this.#lastStored = { ...end, tookMs: Math.round(now - this.#jobSinceMs) };
    log.info({ backup: storedText(this.#lastStored) }, 'a backup is in the store, and verified');
    if (end.tidyingFailed !== '') {
      log.warn({ reason: end.tidyingFailed }, 'old backups could not be removed');
    }
  }

  #failed(error: Error): void {
    const { alarms, wallMs, monotonicMs, task } = this.#options;
    this.#failuresInRow += 1;
    this.#counts.failed += 1;
    const hint = error instanceof CodedError ? ` ${error.details.hint ?? ''}` : '';
    const message = `a scheduled backup failed: ${error.message}.${hint}`.trim();
    this.#lastFailure = { message, atMs: wallMs() };
    this.#nextMs = monotonicMs() + pauseBehindFailures(this.#failuresInRow, task.intervalMs);
    alarms.raise('backup_failed', message);
  }
}

const timeText = (ms: number): string | null => (ms === 0 ? null : new Date(ms).toISOString());

const storedText = ({ kind: _kind, lastMs, ...rest }: LastStored): Record<string, unknown> => ({
  ...rest,
  at: timeText(lastMs),
});
