// Periodic VACUUM and ANALYZE: the leader puts an entry into the log when it is time, and every
// node does it there. When it was done last stands in the database, so a new leader goes on in
// step.
import { encodeMaintenance, type MaintenanceKind } from '#command/maintenance-codec.ts';
import { renderBits } from '#command/outcome.ts';
import { decodeOutcome } from '#command/outcome-codec.ts';
import type { ProposeReply } from '#http/backend.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import type { Logger } from '#node/logger.ts';
import type { FrontProposal } from '#node/seams/front-seam.ts';
import { againMs, lookEveryMs, maintainedBytesMax } from './bounds.ts';
import { maintainedMetric } from './maintained-samples.ts';

/** Between two of a kind, milliseconds; undefined: never. */
export type MaintenanceIntervals = Readonly<Record<MaintenanceKind, number | undefined>>;

/** What it needs of the node. */
export interface MaintenanceOptions {
  readonly intervals: MaintenanceIntervals;
  readonly log: Logger;
  /** This node leads, and neither sends nor takes a copy of the database. */
  readonly mayRun: () => boolean;
  /** A member in reach that cannot read such an entry, if there is one. */
  readonly findOlder: () => Promise<string | undefined>;
  /** What the writer counts: among it when maintenance was done last. */
  readonly samples: () => Promise<readonly Sample[]>;
  /** Size of the database file. */
  readonly databaseBytes: () => number;
  readonly schemaIndex: () => number;
  readonly propose: (proposal: FrontProposal, done: (reply: ProposeReply) => void) => void;
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
}

/** See the head of this file. */
export class Maintenance {
  readonly #options: MaintenanceOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #lastSeconds = new Map<MaintenanceKind, number>();
  /** When it was done here: a writer that is replaced says its old numbers for a moment. */
  readonly #doneMs = new Map<MaintenanceKind, number>();
  #isBusy = false;
  #notBeforeMs = 0;
  #isTold = false;

  constructor(options: MaintenanceOptions) {
    this.#options = options;
    const wanted = Object.values(options.intervals).some((interval) => interval !== undefined);
    this.#timer = wanted ? setInterval(() => void this.look(), lookEveryMs) : undefined;
  }

  /** How long the last one of a kind took, from the proposal until it was applied here. */
  samples(): readonly Sample[] {
    return [...this.#lastSeconds].map(([kind, value]) => ({
      name: 'stockade_maintenance_last_duration_seconds',
      labels: { kind },
      value,
    }));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Does what is due; the timer calls it. */
  async look(): Promise<void> {
    const { mayRun, monotonicMs, samples, databaseBytes, wallMs, intervals, log } = this.#options;
    if (this.#isBusy || monotonicMs() < this.#notBeforeMs || !mayRun()) return;
    this.#isBusy = true;
    try {
      const kind = this.#dueKind(intervals, await samples(), wallMs());
      if (kind === undefined || !mayRun()) return;
      const bytes = databaseBytes();
      if (bytes > maintainedBytesMax) {
        if (!this.#isTold) log.warn({ bytes, kind }, 'the database is too large for maintenance');
        this.#isTold = true;
        return;
      }
      const older = await this.#options.findOlder();
      if (older !== undefined) {
        this.#notBeforeMs = monotonicMs() + againMs;
        log.warn({ kind, older }, 'no maintenance before that node is upgraded');
      } else if (mayRun()) {
        await this.#run(kind);
      }
    } catch (error) {
      // A writer that is replaced meanwhile gives no numbers, for instance.
      this.#notBeforeMs = monotonicMs() + againMs;
      log.warn({ err: error }, 'maintenance was not begun; trying again later');
    } finally {
      this.#isBusy = false;
    }
  }

  async #run(kind: MaintenanceKind): Promise<void> {
    const { propose, schemaIndex, monotonicMs, log } = this.#options;
    const sinceMs = monotonicMs();
    const proposal: FrontProposal = {
      command: encodeMaintenance(kind),
      render: renderBits.wanted,
      schemaIndex: schemaIndex(),
      changesSchema: kind === 'optimize',
      rehearse: false,
      frees: false,
    };
    const reply = await new Promise<ProposeReply>((resolve) => {
      propose(proposal, resolve);
    });
    const tookMs = Math.round(monotonicMs() - sinceMs);
    const problem = problemOf(reply);
    if (problem === undefined) {
      this.#lastSeconds.set(kind, tookMs / 1000);
      this.#doneMs.set(kind, this.#options.wallMs());
      log.info({ kind, tookMs }, 'maintenance is done');
      return;
    }
    this.#notBeforeMs = monotonicMs() + againMs;
    log.warn({ kind, reason: problem }, 'maintenance was not done; trying again later');
  }

  /** The first kind whose time has come. */
  #dueKind(
    intervals: MaintenanceIntervals,
    samples: readonly Sample[],
    nowMs: number,
  ): MaintenanceKind | undefined {
    return (['vacuum', 'optimize'] as const).find((kind) => {
      const interval = intervals[kind];
      const last = samples.find(
        ({ name, labels }) => name === maintainedMetric && labels['kind'] === kind,
      );
      const lastMs = Math.max((last?.value ?? 0) * 1000, this.#doneMs.get(kind) ?? 0);
      return interval !== undefined && nowMs - lastMs >= interval;
    });
  }
}

const problemOf = (reply: ProposeReply): string | undefined => {
  if (reply.kind === 'refused') return reply.message;
  const outcome = decodeOutcome(reply.outcome);
  if (outcome.kind === 'results' && outcome.error === '') return undefined;
  return outcome.kind === 'results' ? outcome.error : outcome.kind;
};
