// What tests of loads share: database files of somebody else, and the entries that bring them.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import type { LoadStep } from '#command/load-step.ts';
import { encodeLoadStep } from '#command/load-step-codec.ts';
import { decodeOutcome } from '#command/outcome-codec.ts';
import { encodeProposal } from '#command/proposal-codec.ts';
import { convertFile } from '#db/load/convert-file.ts';
import type { CommittedEntry, Writer } from '#db/writer.ts';
import { systemFiles } from '#io/file-system.ts';
import { entryTimeMs, resultsText, seedOf, temporaryFolder } from '../support.ts';

/** A database file made by these statements, in a folder that is removed when the test ends. */
export const fileOf = (
  context: TestContext,
  make: string | ((database: Database.Database) => void),
): string => {
  const path = join(temporaryFolder(context), 'file.sqlite');
  const database = new Database(path);
  database.unsafeMode();
  if (typeof make === 'string') database.exec(make);
  else make(database);
  database.close();
  return path;
};

/** What the product makes of a file before it is replicated. */
export const converted = (context: TestContext, path: string): Buffer => {
  const made = join(temporaryFolder(context), 'made.sqlite');
  convertFile(path, made, systemFiles);
  return readFileSync(made);
};

/** Writes bytes to a file of their own. */
export const fileWith = (context: TestContext, bytes: Uint8Array): string => {
  const path = join(temporaryFolder(context), 'bytes.sqlite');
  writeFileSync(path, bytes, { mode: 0o600 });
  return path;
};

/** An id that says which load. */
export const idOf = (number: number): Buffer => Buffer.alloc(16, number);

const who = { user: 'ada', requestId: 'r' };

/** The steps of a load, in pieces of this size. */
export const stepsOf = (
  bytes: Uint8Array,
  kind: 'database' | 'command',
  id = 1,
  pieceBytes = 10_000,
): readonly LoadStep[] => {
  const load = idOf(id);
  const steps: LoadStep[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const data = bytes.subarray(at, at + pieceBytes);
    steps.push({ ...who, load, kind: 'piece', bytes: at, data });
  }
  const digest = createHash('sha256').update(bytes).digest();
  return [...steps, { ...who, load, kind, bytes: bytes.length, digest }];
};

/** A step as a committed entry. */
export const stepEntry = (
  index: number,
  step: LoadStep,
  timeMs: number = entryTimeMs,
): CommittedEntry => ({
  index,
  term: 1,
  kind: 'command',
  data: encodeProposal({ timeMs, seed: seedOf(index), command: encodeLoadStep(step) }),
  render: 1,
});

/** Applies steps one by one; what the last of them came to. */
export const applySteps = (writer: Writer, steps: readonly LoadStep[], timeMs?: number): string => {
  let last = '';
  for (const step of steps) {
    const entry = stepEntry(writer.state.appliedIndex + 1, step, timeMs);
    const [finished] = writer.apply([entry]).outcomes;
    last = finished === undefined ? 'none' : resultsText(decodeOutcome(finished.outcome));
  }
  return last;
};
