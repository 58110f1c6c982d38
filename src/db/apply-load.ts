// Applies the steps of a load: pieces are kept in the database until the last step says what they
// are. A command is applied as if it had come whole; a database file becomes a generation of its
// own, and the writer goes on in that.
import { decodeCommand } from '#command/command-codec.ts';
import type { LoadStep } from '#command/load-step.ts';
import { decodeLoadStep } from '#command/load-step-codec.ts';
import type { Outcome } from '#command/outcome.ts';
import type { Proposal } from '#command/proposal.ts';
import { CodedError } from '#errors.ts';
import { applyWhole, type CommandContext } from './apply-command.ts';
import { commandWork } from './apply-work.ts';
import type { FileEffects } from './database-files.ts';
import { type Engine, sqlErrorFrom } from './engine.ts';
import { makeCurrent } from './generations.ts';
import { buildGeneration, loadGeneration } from './load/build-generation.ts';
import { type LoadEnd, LoadStore } from './load/load-store.ts';
import { MachineError } from './machine-errors.ts';
import type { Position, PositionStore } from './position.ts';
import type { CommittedEntry } from './writer.ts';

/** Where generations are made. */
export interface LoadEffects extends FileEffects {
  readonly dataFolder: string;
}

/** What steps are applied with. */
export interface LoadContext {
  readonly command: CommandContext;
  readonly engine: Engine;
  readonly store: PositionStore;
  readonly effects: LoadEffects;
}

/** An entry that is a step of a load. */
export interface LoadEntry {
  readonly entry: CommittedEntry;
  readonly proposal: Proposal;
  readonly startedMs: number;
}

/** What a step came to. */
export type LoadApplied =
  /** It has its place in the batch, or had a transaction of its own. */
  | { readonly kind: 'recorded'; readonly outcome: Outcome | undefined }
  /** A command was applied; what is known of the schema may have changed. */
  | { readonly kind: 'command'; readonly outcome: Outcome; readonly touchesSchema: boolean }
  /** Another database is in use from here on. */
  | { readonly kind: 'replaced'; readonly outcome: Outcome; readonly position: Position };

const said = (error: string): Outcome => ({
  kind: 'results',
  json: Buffer.alloc(0),
  error,
  microseconds: 0,
});

/** Applies steps. */
export class LoadApplier {
  readonly #context: LoadContext;
  readonly #loads: LoadStore;

  constructor(context: LoadContext) {
    this.#context = context;
    this.#loads = new LoadStore(context.engine, context.store);
  }

  /**
   * Applies one step; `endBatch` commits what came before.
   *
   * @throws MachineError
   */
  apply(entry: LoadEntry, endBatch: () => void): LoadApplied {
    return asMachine(() => this.#apply(entry, endBatch));
  }

  #apply(entry: LoadEntry, endBatch: () => void): LoadApplied {
    const step = stepOf(entry.proposal);
    if (step === undefined) return this.#record(entry, 'it cannot be read');
    if (step.kind === 'piece' || step.kind === 'abandon') {
      this.#begin();
      return this.#record(entry, this.#loads.take(step, entry.proposal.timeMs));
    }
    if (this.#loads.isFinished(step)) return this.#record(entry, undefined);
    const problem = this.#loads.problemOf(step);
    if (problem !== undefined) return this.#record(entry, problem);
    return step.kind === 'command'
      ? this.#command(entry, step, endBatch)
      : this.#database(entry, step, endBatch);
  }

  #begin(): void {
    const { ledger } = this.#context.command;
    if (!ledger.begun) ledger.begin();
  }

  /** Within the batch: that the step was taken, or why not. */
  #record({ entry, proposal }: LoadEntry, problem: string | undefined): LoadApplied {
    const { ledger } = this.#context.command;
    this.#begin();
    ledger.startEntry(entry);
    ledger.chain.record(problem === undefined ? '' : 'LOAD_REFUSED', 0, 0n);
    ledger.moveTo(ledger.after(entry, proposal.timeMs, false));
    return { kind: 'recorded', outcome: said(problem ?? '') };
  }

  #command(
    { entry, proposal, startedMs }: LoadEntry,
    step: LoadEnd,
    endBatch: () => void,
  ): LoadApplied {
    const whole = Buffer.concat([...this.#loads.pieces()]);
    const { runner } = this.#context.command;
    const work = readable(() => {
      // What comes in pieces is all or nothing, or a restart could do a part of it twice.
      if (!decodeCommand(whole).transaction) return undefined;
      return commandWork({ ...proposal, command: whole }, runner.texts);
    });
    if (work === undefined) {
      this.#begin();
      this.#loads.clear();
      return this.#record({ entry, proposal, startedMs }, 'it is no command to load');
    }
    endBatch();
    const command = { entry, work, startedMs, render: entry.render };
    const outcome = applyWhole(this.#context.command, command, ({ kind }) => {
      this.#loads.clear(kind === 'results' ? step : undefined);
    });
    return { kind: 'command', outcome, touchesSchema: work.touchesSchema };
  }

  #database(load: LoadEntry, step: LoadEnd, endBatch: () => void): LoadApplied {
    endBatch();
    const { command, engine, effects } = this.#context;
    const { ledger } = command;
    const { entry, proposal } = load;
    ledger.startEntry(entry);
    ledger.chain.record('', 0, 0n);
    const position = ledger.after(entry, proposal.timeMs, true);
    const pieces = this.#loads.pieces();
    const problem = buildGeneration({ ...effects, engine, pieces, position, step });
    if (problem !== undefined) {
      this.#begin();
      this.#loads.clear();
      return this.#record(load, problem);
    }
    makeCurrent(effects.dataFolder, loadGeneration(position), effects);
    return { kind: 'replaced', outcome: said(''), position };
  }
}

/** What can be read of replicated bytes; nobody else reads more of them than we. */
const readable = <Value>(read: () => Value): Value | undefined => {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof CodedError && thrown.code === 'bad_request') return undefined;
    throw thrown;
  }
};

const stepOf = ({ command }: Proposal): LoadStep | undefined =>
  readable(() => decodeLoadStep(command));

/** Whatever goes wrong with files of our own is this machine's fault, never the step's. */
export const asMachine = <Value>(work: () => Value): Value => {
  try {
    return work();
  } catch (thrown) {
    const error = sqlErrorFrom(thrown);
    if (error !== undefined) throw new MachineError(error);
    if (!(thrown instanceof Error) || !('code' in thrown) || !('syscall' in thrown)) throw thrown;
    const code = thrown.code === 'ENOSPC' ? 'SQLITE_FULL' : 'SQLITE_IOERR';
    throw new MachineError({ code, message: thrown.message });
  }
};
