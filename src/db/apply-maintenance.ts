// Applies maintenance: VACUUM and ANALYZE that the leader put into the log, on every replica alike.
import type { Command } from '#command/command.ts';
import { encodeCommand } from '#command/command-codec.ts';
import { maintenanceFrom } from '#command/maintenance-codec.ts';
import type { Outcome } from '#command/outcome.ts';
import type { Proposal } from '#command/proposal.ts';
import { applyWhole, type CommandContext } from './apply-command.ts';
import { asMachine, type LoadEffects } from './apply-load.ts';
import { commandWork } from './apply-work.ts';
import { currentDatabaseFiles } from './database-files.ts';
import { makeCurrent } from './generations.ts';
import { maintainedKey } from './maintained.ts';
import type { Position } from './position.ts';
import { vacuumGeneration } from './vacuum-generation.ts';
import type { CommittedEntry } from './writer.ts';

/** What it is applied with. */
export interface MaintenanceContext {
  readonly command: CommandContext;
  readonly effects: LoadEffects;
}

/** An entry that is maintenance; nothing of an earlier one is uncommitted. */
export interface MaintenanceEntry {
  readonly entry: CommittedEntry;
  readonly proposal: Proposal;
}

/** What it came to. */
export interface MaintenanceApplied {
  readonly outcome: Outcome;
  /** Another database is in use from here on; undefined: the same. */
  readonly replacedAt: Position | undefined;
  readonly touchesSchema: boolean;
  /** There was no room for a second file. */
  readonly skipped: boolean;
}

const done: Outcome = { kind: 'results', json: Buffer.alloc(0), error: '', microseconds: 0 };

/** @throws MachineError */
export const applyMaintenance = (
  context: MaintenanceContext,
  entry: MaintenanceEntry,
): MaintenanceApplied =>
  asMachine(() => {
    const kind = maintenanceFrom(entry.proposal.command);
    if (kind === 'optimize') return optimize(context, entry);
    return kind === 'vacuum' ? vacuum(context, entry) : recorded(context, entry);
  });

/** As if somebody had sent ANALYZE, under whatever schema there is. */
const optimize = (
  { command }: MaintenanceContext,
  { entry, proposal }: MaintenanceEntry,
): MaintenanceApplied => {
  const { ledger, runner } = command;
  const analyze: Command = {
    texts: ['ANALYZE'],
    statements: [{ text: 0, positional: [], named: [] }],
    transaction: true,
    schemaIndex: ledger.position.schemaIndex,
    changesSchema: true,
    user: '',
    requestId: '',
  };
  const work = commandWork({ ...proposal, command: encodeCommand(analyze) }, runner.texts);
  const outcome = applyWhole(command, { entry, work, startedMs: 0, render: 0 }, () => {
    ledger.store.writeValue(maintainedKey('optimize'), proposal.timeMs);
  });
  return { outcome, replacedAt: undefined, touchesSchema: true, skipped: false };
};

/** Without room for a second file this replica keeps the one it has: it holds the same. */
const vacuum = (context: MaintenanceContext, maintenance: MaintenanceEntry): MaintenanceApplied => {
  const { command, effects } = context;
  const { ledger } = command;
  const { entry, proposal } = maintenance;
  ledger.startEntry(entry);
  ledger.chain.record('', 0, 0n);
  const position = ledger.after(entry, proposal.timeMs, false);
  const paths = currentDatabaseFiles(effects.dataFolder, effects.files);
  const generation = vacuumGeneration({ ...effects, paths, position });
  if (generation === undefined) {
    const applied = recorded(context, maintenance, () => {
      ledger.store.writeValue(maintainedKey('vacuum'), position.timeMs);
    });
    return { ...applied, skipped: true };
  }
  makeCurrent(effects.dataFolder, generation, effects);
  return { outcome: done, replacedAt: position, touchesSchema: false, skipped: false };
};

/** That it was here, and nothing else: a kind of a later version changes no more. */
const recorded = (
  { command }: MaintenanceContext,
  { entry, proposal }: MaintenanceEntry,
  alsoWrite: () => void = () => undefined,
): MaintenanceApplied => {
  const { ledger } = command;
  ledger.begin();
  ledger.startEntry(entry);
  ledger.chain.record('', 0, 0n);
  alsoWrite();
  ledger.commitSurely(ledger.after(entry, proposal.timeMs, false));
  return { outcome: done, replacedAt: undefined, touchesSchema: false, skipped: false };
};
