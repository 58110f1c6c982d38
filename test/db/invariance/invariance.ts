// One log in three variants: entry by entry as its leader applied it; in random batches with
// restarts, rehearsals and breaks; in random batches by processes that are killed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeOutcome } from '#command/outcome-codec.ts';
import { openWriter } from '#db/open-writer.ts';
import { eventsIn } from '../changes/events.ts';
import { capturing, effects } from '../support.ts';
import { applyAlong, drawStops } from './course.ts';
import { contentIn } from './database-content.ts';
import { type Draw, drawFrom } from './draw.ts';
import { drawLog } from './hostile-log.ts';
import { type JudgedLog, judgeLog } from './judged-log.ts';
import { applyNaively } from './naive-loop.ts';
import type { Victims } from './victims.ts';

/** How a seed went. */
export interface SeedResult {
  readonly entries: number;
  readonly refused: number;
  /** What differed, or undefined. */
  readonly difference: string | undefined;
  /** The naive loop gave different contents for two ways to cut the same log. */
  readonly naiveDiffers: boolean;
}

/** The first line in which two contents differ. */
const firstDifference = (name: string, left: string, right: string): string | undefined => {
  if (left === right) return undefined;
  const [a, b] = [left.split('\n'), right.split('\n')];
  const at = a.findIndex((line, number) => line !== b[number]);
  const [one = '(nothing)', other = '(nothing)'] = [a[at], b[at]];
  let from = 0;
  while (from < one.length && one[from] === other[from]) from += 1;
  const start = Math.max(0, from - 60);
  const table = one.slice(0, one.indexOf(' '));
  return `${name}, ${table}: ${one.slice(start, from + 60)}\n  instead of ${other.slice(start, from + 60)}`;
};

/** What a client would see of an outcome; how long it took is nobody's business here. */
const seen = (bytes: Uint8Array): string => {
  const outcome = decodeOutcome(bytes);
  return outcome.kind === 'results'
    ? `${Buffer.from(outcome.json).toString()} ${outcome.error}`
    : outcome.kind;
};

const outcomesDiffer = (
  log: JudgedLog,
  found: ReadonlyMap<number, Uint8Array>,
): string | undefined => {
  for (const [index, outcome] of found) {
    const expected = log.outcomes.get(index);
    if (expected === undefined) continue;
    const difference = firstDifference(`outcome ${index}`, seen(expected), seen(outcome));
    if (difference !== undefined) return difference;
  }
  return undefined;
};

const naiveDiffers = (log: JudgedLog, draw: Draw): boolean => {
  const alone = new Set(log.entries.map(({ index }) => index));
  const cut = new Set(drawStops(draw, log.entries.length).map(({ through }) => through));
  return applyNaively(log, alone) !== applyNaively(log, cut);
};

/** One writer from beginning to end, its batches a single entry each. */
const applyCaptured = (folder: string, { foreignKeys, entries }: JudgedLog): void => {
  const writer = openWriter({ dataFolder: folder, foreignKeys, changes: capturing, ...effects });
  try {
    for (const entry of entries) writer.apply([entry]);
  } finally {
    writer.close();
  }
};

/**
 * Runs a seed. `victims` undefined: without the variant that is killed. `keyed`: half the commands
 * under keys, some of them sent twice. `captured`: the variants capture what entries change, the
 * first one, which they are compared with, does not; and what they captured is compared as well.
 */
export const runSeed = async (
  seed: number,
  options: {
    readonly victims?: Victims;
    readonly naive?: boolean;
    readonly keyed?: boolean;
    readonly captured?: boolean;
  } = {},
): Promise<SeedResult> => {
  const draw = drawFrom(seed);
  const parent = mkdtempSync(join(tmpdir(), 'stockade-invariance-'));
  const folder = (name: string): string => join(parent, name);
  try {
    const log = judgeLog(folder('alone'), drawLog(draw), options.keyed);
    const expected = contentIn(folder('alone'));
    const captured = options.captured === true;
    const outcomes = applyAlong(folder('batches'), log, draw, captured ? capturing : undefined);
    let difference =
      firstDifference('batches', expected, contentIn(folder('batches'))) ??
      outcomesDiffer(log, outcomes);
    if (options.victims !== undefined) {
      await options.victims.apply(folder('killed'), log, draw, captured);
      difference ??= firstDifference('killed', expected, contentIn(folder('killed')));
    }
    if (captured) {
      applyCaptured(folder('captured'), log);
      const events = eventsIn(folder('captured'));
      difference ??= firstDifference('captured', expected, contentIn(folder('captured')));
      difference ??= firstDifference('events in batches', events, eventsIn(folder('batches')));
      if (options.victims !== undefined) {
        difference ??= firstDifference('events, killed', events, eventsIn(folder('killed')));
      }
    }
    return {
      entries: log.entries.length,
      refused: log.refused,
      difference,
      naiveDiffers: options.naive === true && naiveDiffers(log, draw),
    };
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
};
