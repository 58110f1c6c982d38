// What a node does by itself beside serving: backups, maintenance, and the restore that a cluster
// begins with. One place for the loop to start, ask and stop them.
import type { BackendRefusal } from '#http/backend.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import type { RestoreAtStart, RestoreLoop } from './backups/restore/restore-at-start.ts';
import type { ScheduledBackups } from './backups/scheduled/scheduled-backups.ts';
import type { Maintenance } from './maintenance/maintenance.ts';
import { refused } from './proposals.ts';

/** What there is of it. */
export interface OwnWorkParts {
  readonly backups: ScheduledBackups | undefined;
  readonly restore: RestoreAtStart | undefined;
  readonly maintenance: Maintenance;
  /** What a restore needs of the running node. */
  readonly loop: RestoreLoop;
}

/** See the head of this file. */
export class OwnWork {
  readonly #parts: OwnWorkParts;

  constructor(parts: OwnWorkParts) {
    this.#parts = parts;
  }

  /** A backup is to be restored first: nothing is read or written here before. */
  get isRestoring(): boolean {
    return this.#parts.restore?.owed === true;
  }

  /** Why no proposal is taken; undefined: for all this knows, they are. */
  get closed(): BackendRefusal | undefined {
    if (!this.isRestoring) return undefined;
    return refused('not_ready', 'a backup is being restored; try again later');
  }

  /** Of scheduled backups, for `/status`; undefined: there are none. */
  get backups(): Readonly<Record<string, unknown>> | undefined {
    return this.#parts.backups?.status();
  }

  /** For `/metrics`. */
  samples(): readonly Sample[] {
    const { backups, maintenance } = this.#parts;
    return [...(backups?.samples() ?? []), ...maintenance.samples()];
  }

  /** The node runs. */
  start(): void {
    const { restore, loop } = this.#parts;
    void restore?.run(loop);
  }

  /** Gives up what is under way. */
  stop(): void {
    this.#parts.backups?.stop();
    this.#parts.maintenance.stop();
    this.#parts.restore?.stop();
  }
}
