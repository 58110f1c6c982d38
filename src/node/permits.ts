// How much costly work (backups, loads) a node does at once, whichever of its fronts was asked:
// each takes a process, a copy of the database on the disk and a share of its speed.
import type { Seam } from '#process/seam.ts';
import type { WorkKind } from './seams/front-admin-seam.ts';

/** At once, by kind. Two backups: one by the clock and one by hand. */
export const permitsMax: Readonly<Record<WorkKind, number>> = { backup: 2, load: 1 };

/** Counts what is under way; work of a front that is gone is over. */
export class Permits {
  readonly #held: { readonly seam: Seam; readonly kind: WorkKind }[] = [];

  /** Whether one more may begin; `giveBack` ends it. */
  take(seam: Seam, kind: WorkKind): boolean {
    const gone = this.#held.filter((held) => held.seam.closed);
    for (const held of gone) this.#held.splice(this.#held.indexOf(held), 1);
    if (this.#held.filter((held) => held.kind === kind).length >= permitsMax[kind]) return false;
    this.#held.push({ seam, kind });
    return true;
  }

  /** One of this front's is over. */
  giveBack(seam: Seam, kind: WorkKind): void {
    const at = this.#held.findIndex((held) => held.seam === seam && held.kind === kind);
    if (at >= 0) this.#held.splice(at, 1);
  }
}
