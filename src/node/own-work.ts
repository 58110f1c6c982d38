// What a node does by itself beside serving: backups, maintenance, and the restore that a cluster
// begins with. One place for the loop to start, ask and stop them.
import type { BackendRefusal } from '#http/backend.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import type { RestoreAtStart, RestoreLoop } from './backups/restore/restore-at-start.ts';
import type { ScheduledBackups } from './backups/scheduled/scheduled-backups.ts';
import type { Webhook } from './cdc/webhook.ts';
import type { Maintenance } from './maintenance/maintenance.ts';
import { refused } from './proposals.ts';

/** What there is of it. */
export interface OwnWorkParts {
  readonly backups: ScheduledBackups | undefined;
  readonly restore: RestoreAtStart | undefined;
  /** Undefined: changes are not captured here. */
  readonly webhook: Webhook | undefined;
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

  /** Of scheduled backups and posted changes, for `/status`; undefined where there are none. */
  get status(): {
    readonly backups: Readonly<Record<string, unknown>> | undefined;
    readonly cdc: Readonly<Record<string, unknown>> | undefined;
  } {
    const { backups, webhook } = this.#parts;
    return { backups: backups?.status(), cdc: webhook?.status() };
  }

  /** A peer's call; false when it is not about anything of this. */
  answer(...[from, method, payload, reply]: Parameters<Webhook['answer']>): boolean {
    return this.#parts.webhook?.answer(from, method, payload, reply) === true;
  }

  /** For `/metrics`. */
  samples(): readonly Sample[] {
    const { backups, maintenance, webhook } = this.#parts;
    const own = [...(backups?.samples() ?? []), ...(webhook?.samples() ?? [])];
    return [...own, ...maintenance.samples()];
  }

  /** The node runs. */
  start(): void {
    const { restore, loop } = this.#parts;
    void restore?.run(loop);
  }

  /** Gives up what is under way. */
  stop(): void {
    this.#parts.backups?.stop();
    this.#parts.webhook?.stop();
    this.#parts.maintenance.stop();
    this.#parts.restore?.stop();
  }
}
