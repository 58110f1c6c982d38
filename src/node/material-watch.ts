// Notices that certificate files changed, without being told: looks now and then, takes what is in
// order, keeps the old ones otherwise and says why once.
import type { CodedError } from '#errors.ts';
import type { Reload, ReloadableMaterial } from '#tls/reloadable-material.ts';
import type { Logger } from './logger.ts';

/**
 * How often it looks: new files count within this. A look costs a millisecond of the loop, most of
 * it the check of signatures.
 */
export const materialLookEveryMs = 5000;

/** What is watched. */
export interface MaterialWatchOptions<M> {
  readonly material: ReloadableMaterial<M>;
  /** For the log: `peer` or `https`. */
  readonly what: string;
  readonly log: Pick<Logger, 'info' | 'error'>;
  /** Judges material that is in order by itself: a CodedError that it throws keeps the old. */
  readonly accept?: (loaded: M) => void;
  /** The new material is in use from now on. */
  readonly onReloaded: (before: M, now: M) => void;
}

/** See the head of this file. */
export class MaterialWatch<M> {
  readonly #options: MaterialWatchOptions<M>;
  #toldFault = '';

  constructor(options: MaterialWatchOptions<M>) {
    this.#options = options;
  }

  /** Looks now; what came of it. */
  look(): Reload {
    const { material, what, log, accept, onReloaded } = this.#options;
    const before = material.current();
    const reload = material.tryReload(accept);
    if (reload.kind === 'kept') this.#tellFault(reload.error);
    else this.#toldFault = '';
    if (reload.kind === 'reloaded') {
      log.info({ certificate: what }, 'certificate files changed and are in use');
      onReloaded(before, material.current());
    }
    return reload;
  }

  #tellFault(error: CodedError): void {
    if (error.message === this.#toldFault) return;
    this.#toldFault = error.message;
    const { what, log } = this.#options;
    log.error({ certificate: what, err: error }, 'certificate files cannot be used: old ones stay');
  }
}
