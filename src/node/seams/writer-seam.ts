// What the node and its writer say to each other.
import { WireReader, WireWriter, wireType } from '#command/wire.ts';
import type { Trial, TrialResult, TrialStep } from '#db/try-transaction.ts';
import type { AppliedBatch, CommittedEntry, Reaped, Writer } from '#db/writer.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import { invariant } from '#invariant.ts';
import {
  bytesCodec,
  emptyCodec,
  jsonCodec,
  type Method,
  type SeamCodec,
  type SeamEvent,
} from '#process/seam.ts';
import type { EntryKind } from '#raft/entry.ts';
import type { Membership } from '#raft/membership.ts';

/** One writer for all: `finish` copies, and no encoding calls another one. */
const scratch = new WireWriter();

/** What a writer needs to open the database. */
export interface WriterStart {
  readonly folder: string;
  readonly cluster: string;
  /** As the node is configured; the cluster's own decides. */
  readonly foreignKeys: boolean;
  /** Bytes of captured changes that are kept; 0: nothing is captured. */
  readonly changeBytes: number;
  /** The generation to make the current one first; undefined: none. */
  readonly generation: string | undefined;
}

/** Where the database stood when it was opened, or why it could not be. */
export type WriterStarted =
  | {
      readonly kind: 'open';
      readonly appliedIndex: number;
      readonly appliedTerm: number;
      readonly schemaIndex: number;
      /** Hexadecimal. */
      readonly outcomeChain: string;
      readonly timeMs: number;
      readonly membership: Membership;
      /** The encoded cluster record, base64; empty before the first. */
      readonly clusterRecord: string;
      /** The fingerprint of what computes the data. */
      readonly engine: string;
    }
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly hint: string;
    };

/** Why a writer cannot go on: an error of this machine, or of the node's configuration. */
export interface WriterFailure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

const kinds: readonly EntryKind[] = ['command', 'configuration', 'barrier'];

const entriesCodec: SeamCodec<readonly CommittedEntry[]> = {
  encode: (entries) => {
    const out = scratch;
    for (const entry of entries) {
      out.varintField(1, entry.index);
      out.varintField(2, entry.term);
      out.varintField(3, kinds.indexOf(entry.kind));
      out.varintField(4, entry.render);
      out.bytesField(5, entry.data);
    }
    return out.finish();
  },
  decode: (bytes) => {
    // One copy for the whole batch: entries outlive the frame they came in.
    const input = new WireReader(Buffer.from(bytes));
    const entries: CommittedEntry[] = [];
    while (!input.done) {
      const index = number(input, 1);
      const term = number(input, 2);
      const kind = kinds[number(input, 3)];
      const render = number(input, 4);
      invariant(kind !== undefined, 'an entry sent to the writer has a known kind');
      field(input, 5, wireType.bytes);
      entries.push({ index, term, kind, render, data: input.bytes() });
    }
    return entries;
  },
};

const appliedCodec: SeamCodec<AppliedBatch> = {
  encode: (batch) => {
    const out = scratch;
    out.varintField(1, batch.appliedIndex);
    out.varintField(2, batch.appliedTerm);
    out.varintField(3, batch.schemaIndex);
    out.bytesField(4, batch.outcomeChain);
    out.varintField(7, batch.marks.length);
    for (const { index, chain } of batch.marks) {
      out.varintField(8, index);
      out.bytesField(9, chain);
    }
    out.varintField(10, batch.replaced ? 1 : 0);
    for (const { index, outcome } of batch.outcomes) {
      out.varintField(5, index);
      out.bytesField(6, outcome);
    }
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(Buffer.from(bytes));
    const appliedIndex = number(input, 1);
    const appliedTerm = number(input, 2);
    const schemaIndex = number(input, 3);
    field(input, 4, wireType.bytes);
    const outcomeChain = input.bytes();
    const marks = Array.from({ length: number(input, 7) }, () => {
      const index = number(input, 8);
      field(input, 9, wireType.bytes);
      return { index, chain: input.bytes() };
    });
    const replaced = number(input, 10) === 1;
    const outcomes: { index: number; outcome: Buffer }[] = [];
    while (!input.done) {
      const index = number(input, 5);
      field(input, 6, wireType.bytes);
      outcomes.push({ index, outcome: input.bytes() });
    }
    return { appliedIndex, appliedTerm, schemaIndex, outcomeChain, marks, outcomes, replaced };
  },
};

const field = (input: WireReader, wanted: number, type: number): void => {
  const tag = input.tag();
  invariant(tag === wanted * 8 + type, 'both ends of a seam are of one version');
};

const number = (input: WireReader, wanted: number): number => {
  field(input, wanted, wireType.varint);
  return input.varint();
};

/** Opens the database; the first thing said. */
export const startWriter: Method<WriterStart, WriterStarted> = {
  kind: 1,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** Applies entries in order; several frames may be under way, answered in order. */
export const applyEntries: Method<readonly CommittedEntry[], AppliedBatch> = {
  kind: 2,
  request: entriesCodec,
  reply: appliedCodec,
};

/** The highest applied index that survives a power cut. */
export const durableIndexOf: Method<undefined, { readonly index: number }> = {
  kind: 3,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** Runs a command (`data` of an entry) between batches and undoes it. */
export const rehearseCommand: Method<Uint8Array, undefined> = {
  kind: 6,
  request: bytesCodec,
  reply: emptyCodec,
};

/** A rehearsal begins now: from here on its deadline counts. */
export const rehearsalStarted: SeamEvent<undefined> = { kind: 7, value: emptyCodec };

const trialCodec: SeamCodec<Trial> = {
  encode: ({ data, steps }) => {
    const out = scratch;
    out.bytesField(1, data);
    for (const { statements, render, digest } of steps) {
      out.varintField(2, statements);
      out.varintField(3, render);
      out.bytesField(4, digest);
    }
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(Buffer.from(bytes));
    field(input, 1, wireType.bytes);
    const data = input.bytes();
    const steps: TrialStep[] = [];
    while (!input.done) {
      const statements = number(input, 2);
      const render = number(input, 3);
      field(input, 4, wireType.bytes);
      steps.push({ statements, render, digest: input.bytes() });
    }
    return { data, steps };
  },
};

const trialKinds: readonly TrialResult['kind'][] = ['ran', 'differs', 'schema-changed', 'trouble'];

const trialResultCodec: SeamCodec<TrialResult> = {
  encode: (result) => {
    const out = scratch;
    out.varintField(1, trialKinds.indexOf(result.kind));
    if (result.kind === 'ran') {
      out.varintField(2, result.failed ? 1 : 0);
      out.bytesField(3, result.digest);
      out.bytesField(4, result.json);
      out.varintField(5, result.index);
    } else if (result.kind === 'schema-changed') out.varintField(2, result.schemaIndex);
    else if (result.kind === 'trouble') out.stringField(2, result.reason);
    return out.finish();
  },
  decode: (bytes) => {
    const input = new WireReader(Buffer.from(bytes));
    const kind = trialKinds[number(input, 1)];
    if (kind === 'schema-changed') return { kind, schemaIndex: number(input, 2) };
    if (kind === 'differs') return { kind };
    if (kind === 'trouble') {
      field(input, 2, wireType.bytes);
      return { kind, reason: input.string() };
    }
    const failed = number(input, 2) === 1;
    field(input, 3, wireType.bytes);
    const digest = Buffer.from(input.bytes());
    field(input, 4, wireType.bytes);
    const json = Buffer.from(input.bytes());
    return { kind: 'ran', failed, digest, json, index: number(input, 5) };
  },
};

/** Runs an interactive transaction between batches and undoes it. */
export const tryTransaction: Method<Trial, TrialResult> = {
  kind: 12,
  request: trialCodec,
  reply: trialResultCodec,
};

/** A transaction is run from here on. */
export const trialStarted: SeamEvent<undefined> = { kind: 13, value: emptyCodec };

/** Closes the database; the writer exits after its answer. */
export const stopWriter: Method<undefined, undefined> = {
  kind: 4,
  request: emptyCodec,
  reply: emptyCodec,
};

/** The writer cannot go on; it exits right after. */
export const writerFailed: SeamEvent<WriterFailure> = {
  kind: 5,
  value: jsonCodec(),
};

/** Captured changes up to this entry were posted and taken. */
export const changesSent: SeamEvent<{ readonly index: number }> = {
  kind: 14,
  value: jsonCodec(),
};

/** Changes could not be captured: the stream has a gap. */
export const captureFailed: SeamEvent<{ readonly reason: string }> = {
  kind: 15,
  value: jsonCodec(),
};

/** Removes generations that are not in use; `temporary`: unfinished images as well. */
export const removeLeftovers: Method<{ readonly temporary: boolean }, undefined> = {
  kind: 9,
  request: jsonCodec(),
  reply: emptyCodec,
};

/** Removes generations that are not in use and writes the WAL back. */
export const reapFolder: Method<undefined, Reaped> = {
  kind: 10,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** What the writer process has counted. */
export const writerSamples: Method<undefined, readonly Sample[]> = {
  kind: 11,
  request: emptyCodec,
  reply: jsonCodec(),
};

/** The state a started writer reports, as the node keeps it. */
export const startedFrom = ({
  state,
  engine,
}: Pick<Writer, 'state' | 'engine'>): WriterStarted => ({
  kind: 'open',
  appliedIndex: state.appliedIndex,
  appliedTerm: state.appliedTerm,
  schemaIndex: state.schemaIndex,
  outcomeChain: Buffer.from(state.outcomeChain).toString('hex'),
  timeMs: state.timeMs,
  membership: state.membership,
  clusterRecord: state.clusterRecord,
  engine,
});
