// Applies committed entries in batches. The rules and their reasons are in docs/SQL.md; their sum
// is that the same log gives the same database, whatever the batches, restarts and caches were.

import { decodeConfiguration, encodeConfiguration } from '#command/configuration-codec.ts';
import { isLoadStep } from '#command/load-step-codec.ts';
import { isMaintenance } from '#command/maintenance-codec.ts';
import type { Outcome } from '#command/outcome.ts';
import { encodeOutcome } from '#command/outcome-codec.ts';
import type { Proposal } from '#command/proposal.ts';
import { decodeProposal } from '#command/proposal-codec.ts';
import { CodedError } from '#errors.ts';
import {
  applyInBatch,
  applySolo,
  type CommandContext,
  type CommandEntry,
} from './apply-command.ts';
import { LoadApplier, type LoadEffects, type LoadEntry } from './apply-load.ts';
import {
  applyMaintenance,
  type MaintenanceContext,
  type MaintenanceEntry,
} from './apply-maintenance.ts';
import { commandWork } from './apply-work.ts';
import { requireSettings } from './cluster-settings.ts';
import type { DeterministicFunctions } from './deterministic-functions.ts';
import type { Engine } from './engine.ts';
import { applyRepeated, findKept, mayBeRepeated, type Repetition } from './keep-outcome.ts';
import { Ledger } from './ledger.ts';
import { MachineError, statementErrorFrom } from './machine-errors.ts';
import { OutcomeChain, type OutcomeMark, outcomeMarkStride } from './outcome-chain.ts';
import { configurationKey, type Position, type PositionStore } from './position.ts';
import type { ResultBounds } from './result-text.ts';
import { runUnits } from './run-command.ts';
import { PieceRunner } from './run-piece.ts';
import { schemaNeedsSolo } from './schema-tokens.ts';
import { type Trial, type TrialResult, tryTransaction } from './try-transaction.ts';
import type { AppliedBatch, CommittedEntry } from './writer.ts';

/** What the applier works with. */
export interface ApplierOptions {
  readonly engine: Engine;
  readonly store: PositionStore;
  readonly functions: DeterministicFunctions;
  readonly epoch: number;
  readonly bounds: ResultBounds;
  readonly effects: LoadEffects;
  /** Each entry has a transaction of its own; what comes of it is the same. */
  readonly oneByOne: boolean;
  /** A clock for durations, milliseconds. */
  readonly nowMs: () => number;
}

/** Applies entries to one database. */
export class Applier {
  readonly #engine: Engine;
  readonly #context: CommandContext;
  readonly #ledger: Ledger;
  readonly #loads: LoadApplier;
  readonly #oneByOne: boolean;
  readonly #maintenance: MaintenanceContext;
  #replacedAt: Position | undefined;
  #schemaSolo: boolean;
  #vacuumsSkipped = 0;
  #outcomes: { readonly index: number; readonly outcome: Uint8Array }[] = [];
  #marks: OutcomeMark[] = [];

  constructor(options: ApplierOptions) {
    const { engine, store, functions, epoch, bounds, effects, nowMs } = options;
    this.#engine = engine;
    this.#oneByOne = options.oneByOne;
    this.#ledger = new Ledger(engine, store, epoch);
    const { transactions } = this.#ledger;
    const runner = new PieceRunner({ engine, transactions, functions, bounds, nowMs });
    const readSchemaAnew = (): void => this.#readSchemaAnew();
    this.#context = { ledger: this.#ledger, runner, functions, nowMs, readSchemaAnew };
    this.#loads = new LoadApplier({ command: this.#context, engine, store, effects });
    this.#maintenance = { command: this.#context, effects };
    this.#schemaSolo = schemaNeedsSolo(engine);
  }

  /** Where the last committed transaction left the database. */
  get position(): Position {
    return this.#replacedAt ?? this.#ledger.committed;
  }

  /** Another database is in use by now; the entries behind `position` are for its own applier. */
  get replaced(): boolean {
    return this.#replacedAt !== undefined;
  }

  /** How often there was no room for a VACUUM. */
  get vacuumsSkipped(): number {
    return this.#vacuumsSkipped;
  }

  /**
   * @throws CodedError `storage_failed` or `disk_full`: errors of this machine that came twice;
   *   `config_invalid`: the cluster has other settings than this database was opened with
   */
  apply(entries: readonly CommittedEntry[]): AppliedBatch {
    this.#outcomes = [];
    this.#marks = [];
    try {
      this.#applyAll(entries, this.#oneByOne);
    } catch (thrown) {
      if (!(thrown instanceof MachineError)) throw thrown;
      this.#applyOneByOne(entries);
    }
    const { index, term, schemaIndex, chain } = this.position;
    return {
      appliedIndex: index,
      appliedTerm: term,
      schemaIndex,
      outcomeChain: chain,
      marks: this.#marks,
      outcomes: this.#outcomes,
      replaced: this.replaced,
    };
  }

  /** Runs a command and undoes it; see Writer. */
  rehearse(data: Uint8Array): void {
    const { runner, functions } = this.#context;
    const work = commandWork(decodeProposal(data), runner.texts);
    const { transactions } = this.#ledger;
    functions.startEntry(work.functionsOf.timeMs, work.functionsOf.seed);
    runner.startCommand();
    try {
      const chain = new OutcomeChain();
      let next = 0;
      while (next < work.units.length) {
        // ON CONFLICT ROLLBACK ends the transaction: what follows would stay.
        if (!transactions.open) transactions.begin();
        const range = { from: next, until: next + 1, render: 0 };
        const done = runUnits(runner, chain, work, range);
        if (done.failed && work.command.transaction) break;
        ({ next } = done);
      }
    } catch (thrown) {
      if (!(thrown instanceof MachineError)) throw thrown;
    } finally {
      transactions.rollback();
      runner.undone();
      if (work.touchesSchema || runner.stale) this.#readSchemaAnew();
    }
  }

  /** Runs an interactive transaction and undoes it; see Writer. */
  tryTransaction(trial: Trial): TrialResult {
    const { runner } = this.#context;
    const { transactions } = this.#ledger;
    let touched = false;
    try {
      transactions.begin();
      const { result, touchesSchema } = tryTransaction(this.#context, trial);
      touched = touchesSchema;
      return result;
    } catch (thrown) {
      if (!(thrown instanceof MachineError)) throw thrown;
      return { kind: 'trouble', reason: `${thrown.message} (${thrown.code})` };
    } finally {
      transactions.rollback();
      runner.undone();
      if (touched || runner.stale) this.#readSchemaAnew();
    }
  }

  #notYetApplied(entries: readonly CommittedEntry[]): readonly CommittedEntry[] {
    return entries.filter(({ index }) => index > this.position.index);
  }

  /** After an error of the machine: once more, a transaction each, so that the culprit is alone. */
  #applyOneByOne(entries: readonly CommittedEntry[]): void {
    try {
      this.#returnToCommitted();
      this.#readSchemaAnew();
      this.#applyAll(this.#notYetApplied(entries), true);
    } catch (thrown) {
      if (!(thrown instanceof MachineError)) throw thrown;
      this.#returnToCommitted();
      throw storageError(this.position.index + 1, thrown);
    }
  }

  #applyAll(entries: readonly CommittedEntry[], alone: boolean): void {
    for (const entry of entries) {
      const command = this.#commandOf(entry);
      const kept = command?.kind === 'command' ? this.#keptFor(command) : undefined;
      if (command?.kind === 'maintenance') {
        this.#commitBatch();
        this.#applyMaintenance(command);
      } else if (command?.kind === 'load') {
        this.#applyLoad(command.load);
        if (alone && !this.replaced) this.#commitBatch();
      } else if (command !== undefined && kept !== undefined) {
        this.#finish(entry, applyRepeated(this.#ledger, command, kept));
        if (alone) this.#commitBatch();
      } else if (command !== undefined && (command.work.solo || this.#schemaSolo)) {
        this.#commitBatch();
        this.#finish(entry, applySolo(this.#context, command));
      } else {
        if (!this.#ledger.begun) this.#ledger.begin();
        if (command === undefined) this.#applyOther(entry);
        else this.#finish(entry, applyInBatch(this.#context, command));
        if (alone || this.#context.runner.stale) this.#commitBatch();
        if (this.#context.runner.stale) this.#readSchemaAnew();
      }
      if (entry.index % outcomeMarkStride === 0) this.#mark();
      if (this.replaced) return;
    }
    this.#commitBatch();
  }

  #mark(): void {
    const { index, chain } = this.#replacedAt ?? this.#ledger.position;
    this.#marks.push({ index, chain });
  }

  #commandOf(entry: CommittedEntry): Decoded | undefined {
    if (entry.kind !== 'command') return undefined;
    const proposal = this.#inTime(decodeProposal(entry.data));
    const startedMs = entry.render === 0 ? 0 : this.#context.nowMs();
    if (isMaintenance(proposal.command)) return { kind: 'maintenance', entry, proposal };
    if (isLoadStep(proposal.command)) {
      return { kind: 'load', load: { entry, proposal, startedMs } };
    }
    const work = commandWork(proposal, this.#context.runner.texts);
    const { idempotency, interactive } = work.command;
    // Whoever commits a transaction has seen what its statements did.
    const render = interactive === undefined ? (idempotency?.render ?? entry.render) : 0;
    return { kind: 'command', entry, work, render, startedMs };
  }

  /**
   * A leader writes no time before that of the entry before; should one do so, time stands still.
   */
  #inTime(proposal: Proposal): Proposal {
    const { timeMs } = this.#ledger.position;
    return proposal.timeMs < timeMs ? { ...proposal, timeMs } : proposal;
  }

  #applyLoad(load: LoadEntry): void {
    const applied = this.#loads.apply(load, () => this.#commitBatch());
    if (applied.kind === 'replaced') this.#replacedAt = applied.position;
    this.#finish(load.entry, applied.outcome);
    if (applied.kind !== 'command') return;
    const { runner, readSchemaAnew } = this.#context;
    if (applied.touchesSchema || runner.stale) readSchemaAnew();
  }

  #applyMaintenance(command: MaintenanceEntry): void {
    const { outcome, replacedAt, touchesSchema, skipped } = applyMaintenance(
      this.#maintenance,
      command,
    );
    if (skipped) this.#vacuumsSkipped += 1;
    this.#replacedAt = replacedAt;
    this.#finish(command.entry, outcome);
    if (touchesSchema || this.#context.runner.stale) this.#readSchemaAnew();
  }

  /** What came of the request when it was sent first, if it was. */
  #keptFor(command: CommandEntry): Repetition | undefined {
    // One that a restart interrupted is not known yet.
    const repeatable = mayBeRepeated(command.work.command);
    if (!repeatable || this.#ledger.position.statementsDone > 0) return undefined;
    if (!this.#ledger.begun) this.#ledger.begin();
    return findKept(this.#ledger, command);
  }

  /** Barriers move the applied index, configurations replace the stored one as well. */
  #applyOther(entry: CommittedEntry): void {
    this.#ledger.startEntry(entry);
    if (entry.kind === 'configuration') {
      this.#ledger.store.writeValue(configurationKey, this.#configurationFrom(entry.data));
    }
    this.#ledger.moveTo(this.#ledger.after(entry, this.#ledger.position.timeMs, false));
  }

  /** Leaving a joint configuration brings no particulars of members: those on record stay. */
  #configurationFrom(data: Uint8Array): Uint8Array {
    const next = decodeConfiguration(data);
    requireSettings(this.#ledger.store, next.context);
    const stored = this.#ledger.store.readValue(configurationKey);
    if (next.context.length > 0 || !(stored instanceof Uint8Array)) return data;
    return encodeConfiguration({ ...next, context: decodeConfiguration(stored).context });
  }

  #commitBatch(): void {
    if (this.#ledger.begun) this.#ledger.commitSurely(this.#ledger.position);
  }

  #finish(entry: CommittedEntry, outcome: Outcome | undefined): void {
    if (entry.render === 0 || outcome === undefined) return;
    this.#outcomes.push({ index: entry.index, outcome: encodeOutcome(outcome) });
  }

  /**
   * As a writer that starts does: in which order objects were made, and the statistics of an
   * ANALYZE that was undone, live on in memory and would show in plans and in what triggers do
   * first.
   */
  #readSchemaAnew(): void {
    try {
      this.#engine.readSchemaAnew();
      this.#context.runner.forgetSchema();
      this.#schemaSolo = schemaNeedsSolo(this.#engine);
    } catch (thrown) {
      throw new MachineError(statementErrorFrom(thrown));
    }
  }

  #returnToCommitted(): void {
    this.#ledger.returnToCommitted();
    this.#outcomes = this.#outcomes.filter(({ index }) => index <= this.position.index);
    this.#marks = this.#marks.filter(({ index }) => index <= this.position.index);
  }
}

/** An entry that is a command, decoded: statements, a step of a load, or maintenance. */
type Decoded =
  | ({ readonly kind: 'command' } & CommandEntry)
  | { readonly kind: 'load'; readonly load: LoadEntry }
  | ({ readonly kind: 'maintenance' } & MaintenanceEntry);

const storageError = (index: number, cause: MachineError): CodedError => {
  const full = cause.code === 'SQLITE_FULL';
  return new CodedError(
    full ? 'disk_full' : 'storage_failed',
    `entry ${index} cannot be applied on this machine: ${cause.message} (${cause.code})`,
    { hint: full ? 'make room on the disk, then restart' : 'check the disk, then restart', cause },
  );
};
