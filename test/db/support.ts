// What the tests of the database share: folders, entries, and results as values.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Command, Idempotency, Interactive, Statement } from '#command/command.ts';
import { encodeCommand } from '#command/command-codec.ts';
import type { Outcome } from '#command/outcome.ts';
import { decodeOutcome } from '#command/outcome-codec.ts';
import { encodeProposal } from '#command/proposal-codec.ts';
import type { Value } from '#command/value.ts';
import { openReader } from '#db/open-reader.ts';
import { openWriter, type WriterOptions } from '#db/open-writer.ts';
import type { Reader, ReadRequest, Verdict } from '#db/reader.ts';
import type { CommittedEntry, Writer } from '#db/writer.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';

/** The real disk, clock and generator. */
export const effects = { files: systemFiles, random: cryptoRandom, clock: systemClock };

/** Settings of a writer that captures what entries change; what it cannot fails the test. */
export const capturing = {
  keptBytes: 256 * 1024 * 1024,
  onProblem: (error: unknown): never => {
    throw error;
  },
};

/** A folder that is removed when the test ends. */
export const temporaryFolder = (context: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-db-'));
  context.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
};

/** A writer that is closed when the test ends. */
export const writerIn = (
  context: TestContext,
  dataFolder: string,
  options: Partial<WriterOptions> = {},
): Writer => {
  const writer = openWriter({ dataFolder, ...effects, ...options });
  let closed = false;
  const close = (): void => {
    if (!closed) writer.close();
    closed = true;
  };
  context.after(close);
  return {
    ...writer,
    get state() {
      return writer.state;
    },
    get captured() {
      return writer.captured;
    },
    close,
  };
};

/** A statement as a test writes it: a text, or a text with its parameters. */
export type Written = string | readonly [text: string, ...values: readonly Value[]];

/** What a command is made of besides its statements. */
export interface CommandOptions {
  readonly transaction?: boolean;
  readonly schemaIndex?: number;
  readonly render?: number;
  readonly timeMs?: number;
  readonly user?: string;
  /** A key under which this may be sent again; the digest is of the statements. */
  readonly key?: string | undefined;
  /** It commits the interactive transaction of this number, behind that entry. */
  readonly interactive?: { readonly number: number; readonly fence: number } | undefined;
}

/** The id of an interactive transaction in tests. */
export const transactionIdOf = (number: number): string =>
  `${number.toString(36)}-${number.toString(16).padStart(32, '0')}`;

const textAndValues = (written: Written): readonly [string, readonly Value[]] =>
  typeof written === 'string' ? [written, []] : [written[0], written.slice(1)];

/** The texts and statements of a request. */
export const tableOf = (
  statements: readonly Written[],
): { readonly texts: readonly string[]; readonly statements: readonly Statement[] } => {
  const parts = statements.map(textAndValues);
  const texts = [...new Set(parts.map(([text]) => text))];
  return {
    texts,
    statements: parts.map(([text, positional]) => ({
      text: texts.indexOf(text),
      positional,
      named: [],
    })),
  };
};

/** The seed that entry `index` carries in tests. */
export const seedOf = (index: number): Buffer => {
  const seed = Buffer.alloc(16);
  seed.writeUInt32BE(index, 12);
  return seed;
};

/** 2026-01-02 03:04:05.678 UTC. */
export const entryTimeMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

const keyed = (key: string, statements: readonly Written[]): Idempotency => {
  const asked = JSON.stringify(statements, (_name, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return { key, digest: createHash('sha256').update(asked).digest(), render: 17 };
};

const interactiveOf = (from: { readonly number: number; readonly fence: number }): Interactive => ({
  id: transactionIdOf(from.number),
  fence: from.fence,
  timeMs: entryTimeMs - from.number,
  seed: seedOf(1000 + from.number),
});

/** A committed command. */
export const commandEntry = (
  index: number,
  statements: readonly Written[],
  options: CommandOptions = {},
): CommittedEntry => {
  const command: Command = {
    ...tableOf(statements),
    transaction: options.transaction ?? false,
    schemaIndex: options.schemaIndex ?? 0,
    changesSchema: false,
    user: options.user ?? 'ada',
    ...(options.key === undefined ? {} : { idempotency: keyed(options.key, statements) }),
    ...(options.interactive === undefined
      ? {}
      : { interactive: interactiveOf(options.interactive) }),
    requestId: `r${index}`,
  };
  const data = encodeProposal({
    timeMs: options.timeMs ?? entryTimeMs,
    seed: seedOf(index),
    command: encodeCommand(command),
  });
  return { index, term: 1, kind: 'command', data, render: options.render ?? 1 };
};

/** Applies one command at the next index under the current schema and gives its outcome. */
export const execute = (
  writer: Writer,
  statements: readonly Written[],
  options: CommandOptions = {},
): Outcome => {
  const { appliedIndex, schemaIndex } = writer.state;
  const entry = commandEntry(appliedIndex + 1, statements, { schemaIndex, ...options });
  const [finished] = writer.apply([entry]).outcomes;
  if (finished === undefined) throw new Error('no outcome');
  return decodeOutcome(finished.outcome);
};

/** The `results` array as JSON text. */
export const resultsText = (outcome: Outcome): string => {
  if (outcome.kind !== 'results') return outcome.kind;
  const error = outcome.error === '' ? '' : ` error: ${outcome.error}`;
  return `[${Buffer.from(outcome.json).toString('utf8')}]${error}`;
};

/** {@link execute}, as JSON text. */
export const executed = (
  writer: Writer,
  statements: readonly Written[],
  options: CommandOptions = {},
): string => resultsText(execute(writer, statements, options));

/** A reader that is closed when the test ends. */
export const readerIn = (context: TestContext, dataFolder: string): Reader => {
  const reader = openReader({ dataFolder, ...effects });
  context.after(() => {
    reader.close();
  });
  return reader;
};

/** The `results` array of a read, as JSON text. */
export const queried = (
  reader: Reader,
  statements: readonly Written[],
  options: Partial<Pick<ReadRequest, 'render' | 'rowsMax' | 'bytesMax'>> = {},
): string => {
  const request = { transaction: false, render: 1, rowsMax: 1000, bytesMax: 1_000_000, ...options };
  const { json, error } = reader.read({ ...tableOf(statements), ...request });
  return `[${json.toString('utf8')}]${error === '' ? '' : ` error: ${error}`}`;
};

/** What the guard says of one text. */
export const verdict = (reader: Reader, text: string, heavy = false): Verdict => {
  const [only] = reader.judge({ texts: [text], heavy }).verdicts;
  assert.ok(only);
  return only;
};
