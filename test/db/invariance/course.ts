// A course: where the batches of a log end, where the writer is opened anew, what it is asked for
// in between, when it breaks off. Applies a log along one, in this process.
import { decodeCommand, encodeCommand } from '#command/command-codec.ts';
import { renderBits } from '#command/outcome.ts';
import { decodeProposal, encodeProposal } from '#command/proposal-codec.ts';
import type { CaptureSettings } from '#db/changes/open-capture.ts';
import { openWriter } from '#db/open-writer.ts';
import type { Trial } from '#db/try-transaction.ts';
import type { CommittedEntry, Writer } from '#db/writer.ts';
import type { Clock } from '#io/clock.ts';
import { effects } from '../support.ts';
import type { Draw } from './draw.ts';
import type { JudgedLog } from './judged-log.ts';

/** What happens behind a batch. */
export interface Stop {
  /** Index of the last entry of the batch. */
  readonly through: number;
  readonly restart: boolean;
  /** Index of an entry that is rehearsed there, and run as a transaction; 0 for none. */
  readonly rehearse: number;
}

/** Random batches of one to ten entries. */
export const drawStops = (draw: Draw, entries: number): readonly Stop[] => {
  const stops: Stop[] = [];
  for (let through = 0; through < entries; ) {
    through = Math.min(entries, through + 1 + draw.below(draw.chance(20) ? 10 : 4));
    const rehearse = draw.chance(20) ? 1 + draw.below(entries) : 0;
    stops.push({ through, restart: draw.chance(20), rehearse });
  }
  return stops;
};

class BrokenOff extends Error {}

/** A clock that breaks the work off when it is read for the nth time. */
const breakingClock = (reads: number): Clock => {
  let left = reads;
  return {
    monotonicMs: () => {
      left -= 1;
      if (left === 0) throw new BrokenOff();
      return 1;
    },
    wallMs: () => 0,
  };
};

/** The entry's command as an interactive transaction of one step. */
const trialOf = ({ data }: CommittedEntry): Trial => {
  const proposal = decodeProposal(data);
  const command = { ...decodeCommand(proposal.command), transaction: true };
  const statements = command.statements.length;
  return {
    data: encodeProposal({ ...proposal, command: encodeCommand(command) }),
    steps: [{ statements, render: renderBits.wanted, digest: Buffer.alloc(0) }],
  };
};

/** Applies the batches from where the database stands. */
export const applyStops = (
  writer: Writer,
  entries: readonly CommittedEntry[],
  stops: readonly Stop[],
  onBatch: (applied: ReturnType<Writer['apply']>) => void,
): Stop | undefined => {
  for (const stop of stops) {
    const from = writer.state.appliedIndex;
    if (stop.through > from) onBatch(writer.apply(entries.slice(from, stop.through)));
    const rehearsed = entries[stop.rehearse - 1];
    if (rehearsed !== undefined) {
      writer.rehearse(rehearsed.data);
      writer.tryTransaction(trialOf(rehearsed));
    }
    if (stop.restart) return stop;
  }
  return undefined;
};

/**
 * Applies a log along random batches, with restarts, rehearsals and breaks in the middle of
 * statements; what was answered, by index.
 */
export const applyAlong = (
  folder: string,
  { foreignKeys, entries }: JudgedLog,
  draw: Draw,
  captured?: CaptureSettings,
): ReadonlyMap<number, Uint8Array> => {
  const changes = captured === undefined ? {} : { changes: captured };
  let left = drawStops(draw, entries.length);
  const breaks = Array.from({ length: draw.below(3) }, () => 1 + draw.below(40));
  const outcomes = new Map<number, Uint8Array>();
  while (left.length > 0) {
    const clock = breakingClock(breaks.shift() ?? 0);
    const writer = openWriter({ dataFolder: folder, foreignKeys, ...changes, ...effects, clock });
    try {
      const stopped = applyStops(writer, entries, left, (batch) => {
        for (const { index, outcome } of batch.outcomes) outcomes.set(index, outcome);
      });
      left = stopped === undefined ? [] : left.slice(left.indexOf(stopped) + 1);
    } catch (thrown) {
      if (!(thrown instanceof BrokenOff)) throw thrown;
    } finally {
      writer.close();
    }
  }
  return outcomes;
};
