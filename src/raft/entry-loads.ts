// Entries that a slow follower needs and that are no longer in memory: asked for with Ready.loads,
// held here for the moment between loaded() and the append that carries them.
import { invariant } from '#invariant.ts';
import { loadedRunsMax } from './bounds.ts';
import type { Entry } from './entry.ts';
import type { LogIndex } from './log-index.ts';
import { entryBytes, type LogView } from './log-view.ts';
import type { LoadRequest } from './ready.ts';

/** Loads of one leadership; a new leader starts with none. */
export interface EntryLoads {
  /** Runs of entries, newest last, at most `loadedRunsMax`. */
  readonly runs: (readonly Entry[])[];
  /** Where loads that were asked for begin, and whether the driver was told. */
  readonly wanted: Map<LogIndex, 'new' | 'asked'>;
}

/** No loads. */
export const createEntryLoads = (): EntryLoads => ({ runs: [], wanted: new Map() });

/** Entries from `from` out of what was loaded, or undefined and a request for them. */
export const loadedFrom = (
  loads: EntryLoads,
  from: LogIndex,
  bytesMax: number,
): readonly Entry[] | undefined => {
  for (const run of loads.runs) {
    const first = run[0];
    const last = run.at(-1);
    if (first === undefined || last === undefined) continue;
    if (first.index > from || last.index < from) continue;
    return withinBytes(run.slice(from - first.index), bytesMax);
  }
  invariant(loads.runs.length <= loadedRunsMax, 'loaded runs are bounded');
  if (!loads.wanted.has(from)) loads.wanted.set(from, 'new');
  return undefined;
};

const withinBytes = (entries: readonly Entry[], bytesMax: number): readonly Entry[] => {
  let bytes = 0;
  const end = entries.findIndex((entry, position) => {
    bytes += entryBytes(entry);
    return position > 0 && bytes > bytesMax;
  });
  return end < 0 ? entries : entries.slice(0, end);
};

/**
 * Takes the driver's answer. Entries that nobody waits for, or that the log does not hold any more
 * (the answer to a request of an earlier leadership), are dropped.
 */
export const takeLoaded = (loads: EntryLoads, log: LogView, entries: readonly Entry[]): void => {
  const first = entries[0];
  if (first === undefined || !loads.wanted.has(first.index)) return;
  for (const [position, entry] of entries.entries()) {
    invariant(entry.index === first.index + position, 'loaded entries have no gap');
    if (!log.matches(entry.index, entry.term)) return;
  }
  loads.wanted.delete(first.index);
  loads.runs.push(entries);
  if (loads.runs.length > loadedRunsMax) loads.runs.shift();
};

/** Hands out the requests that the driver was not told yet. */
export const takeLoadRequests = (loads: EntryLoads, bytesMax: number): LoadRequest[] => {
  const requests: LoadRequest[] = [];
  for (const [from, stage] of loads.wanted) {
    if (stage === 'new') requests.push({ from, bytesMax });
    loads.wanted.set(from, 'asked');
  }
  return requests;
};

/** Whether the driver has requests to be told. */
export const hasLoadRequests = (loads: EntryLoads): boolean =>
  [...loads.wanted.values()].includes('new');

/**
 * Forgets requests that were never answered, so that whoever still needs the entries asks anew;
 * called once an election time-out.
 */
export const forgetLoadRequests = (loads: EntryLoads): void => loads.wanted.clear();
