// The main program of the writer process: opens the database, applies what the node sends, exits
// when the pipe closes. It is reachable from a request only through the log.
import { openWriter, type WriterOptions } from '#db/open-writer.ts';
import type { Writer } from '#db/writer.ts';
import { CodedError } from '#errors.ts';
import { keepCodeCache } from '#io/code-cache.ts';
import { frameBytesMax } from '#limits.ts';
import { pipeToParent } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { maintainedSamples } from './maintenance/maintained-samples.ts';
import { systemEffects } from './node-effects.ts';
import { ProcessNumbers } from './numbers/process-numbers.ts';
import { capturedSamples, WriterNumbers } from './numbers/writer-numbers.ts';
import { endWithParent } from './orphan-guard.ts';
import {
  applyEntries,
  captureFailed,
  changesSent,
  durableIndexOf,
  reapFolder,
  rehearsalStarted,
  rehearseCommand,
  removeLeftovers,
  startedFrom,
  startWriter,
  stopWriter,
  trialStarted,
  tryTransaction,
  type WriterFailure,
  type WriterStart,
  writerFailed,
  writerSamples,
} from './seams/writer-seam.ts';

endWithParent();

let writer: Writer | undefined;

const nowMs = (): number => systemEffects.clock.monotonicMs();
const numbers = new WriterNumbers(nowMs);
const processNumbers = new ProcessNumbers('writer', systemEffects.files, nowMs);

const seam = new Seam(pipeToParent(), {
  frameBytesMax,
  onBatchEnd: () => {
    // Answers first: the checkpoint that may follow is nobody's wait.
    seam.flush();
    guarded(() => {
      if (writer !== undefined) numbers.maintain(writer);
    });
  },
  onClose: () => {
    writer?.close();
    process.exit(0);
  },
});

const failureFrom = (error: unknown): WriterFailure => {
  if (error instanceof CodedError) {
    return { code: error.code, message: error.message, hint: error.details.hint ?? '' };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'internal', message, hint: '' };
};

/** Runs what may meet an error of this machine: says so and exits, for the node to decide. */
const guarded = (work: () => void): void => {
  try {
    work();
  } catch (error) {
    seam.notify(writerFailed, failureFrom(error));
    seam.flush();
    setImmediate(() => process.exit(1));
  }
};

const changesOf = ({ changeBytes }: WriterStart): Pick<WriterOptions, 'changes'> => {
  if (changeBytes === 0) return {};
  const onProblem = (error: unknown): void => {
    seam.notify(captureFailed, { reason: error instanceof Error ? error.message : String(error) });
  };
  return { changes: { keptBytes: changeBytes, onProblem } };
};

seam.serve(startWriter, (start, reply) => {
  keepCodeCache();
  try {
    const opened = openWriter({
      dataFolder: start.folder,
      cluster: start.cluster,
      foreignKeys: start.foreignKeys,
      ...changesOf(start),
      ...(start.generation === undefined ? {} : { generation: start.generation }),
      ...systemEffects,
    });
    writer = opened;
    reply(startedFrom(opened));
  } catch (error) {
    const coded = error instanceof CodedError ? error : undefined;
    reply({
      kind: 'failed',
      code: coded?.code ?? 'storage_failed',
      message: error instanceof Error ? error.message : String(error),
      hint: coded?.details.hint ?? '',
    });
  }
});

seam.serve(applyEntries, (entries, reply) => {
  guarded(() => {
    // The answer to a frame that came along with this one must not wait behind what may never end.
    seam.flush();
    if (writer !== undefined) reply(numbers.apply(writer, entries));
  });
});

seam.hear(changesSent, ({ index }) => {
  guarded(() => writer?.noteHighWater(index));
});

seam.serve(durableIndexOf, (_request, reply) => {
  guarded(() => {
    // It waits for the disk, for which no answer needs to wait.
    seam.flush();
    if (writer !== undefined) reply({ index: writer.durableIndex() });
  });
});

seam.serve(writerSamples, (_request, reply) => {
  const maintained = writer === undefined ? [] : maintainedSamples(writer.maintained());
  reply([
    ...numbers.samples(),
    ...capturedSamples(writer?.captured),
    ...processNumbers.samples(),
    ...maintained,
  ]);
});

seam.serve(removeLeftovers, ({ temporary }, reply) => {
  guarded(() => writer?.removeLeftovers(temporary));
  reply(undefined);
});

seam.serve(reapFolder, (_request, reply) => {
  guarded(() => {
    if (writer !== undefined) reply(writer.reap());
  });
});

seam.serve(rehearseCommand, (data, reply) => {
  guarded(() => {
    // What was answered before must not wait behind a write that may never end.
    seam.notify(rehearsalStarted, undefined);
    seam.flush();
    writer?.rehearse(data);
    reply(undefined);
  });
});

seam.serve(tryTransaction, (trial, reply) => {
  guarded(() => {
    // As with a rehearsal: what may never end keeps no answer back.
    seam.notify(trialStarted, undefined);
    seam.flush();
    if (writer !== undefined) reply(writer.tryTransaction(trial));
  });
});

seam.serve(stopWriter, (_request, reply) => {
  guarded(() => writer?.close());
  writer = undefined;
  reply(undefined);
  seam.flush();
  setImmediate(() => process.exit(0));
});
