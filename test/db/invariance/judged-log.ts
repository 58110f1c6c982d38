// Makes a log as a leader does: each command judged by the guard under the schema of the moment,
// then applied alone. What the guard refuses is in no log.
import { renderBits } from '#command/outcome.ts';
import { openReader } from '#db/open-reader.ts';
import { openWriter } from '#db/open-writer.ts';
import type { Reader } from '#db/reader.ts';
import type { CommittedEntry } from '#db/writer.ts';
import { commandEntry, effects, entryTimeMs } from '../support.ts';
import type { DrawnCommand, DrawnLog } from './hostile-log.ts';

/** A log, and what its leader answered, by index. */
export interface JudgedLog {
  readonly foreignKeys: boolean;
  readonly entries: readonly CommittedEntry[];
  readonly outcomes: ReadonlyMap<number, Uint8Array>;
  /** Commands that the guard let none of into the log. */
  readonly refused: number;
}

/** The texts that go into the log, and the schema they were judged under. */
interface Judged {
  readonly texts: readonly string[];
  readonly schemaIndex: number;
}

const judged = (reader: Reader, { texts }: DrawnCommand): Judged | undefined => {
  const { schemaIndex, verdicts } = reader.judge({ texts, heavy: true });
  const logged: string[] = [];
  for (const [at, verdict] of verdicts.entries()) {
    if (verdict.kind === 'refused') return undefined;
    const text = texts[at] ?? '';
    logged.push(verdict.kind === 'error' ? verdict.instead : (verdict.instead ?? text));
  }
  return { texts: logged, schemaIndex };
};

/**
 * The key of the command at an index, of half the commands, and how often it is sent: some twice,
 * some take the key of another one.
 */
const keyAt = (index: number): { readonly key: string | undefined; readonly times: number } => {
  if (index % 2 === 0) return { key: undefined, times: 1 };
  return { key: index % 13 === 0 ? 'k1' : `k${index}`, times: index % 3 === 0 ? 2 : 1 };
};

/**
 * The transaction that the command at an index commits, of half of those that are all or nothing:
 * most stand right behind their fence, those that are sent twice only once.
 */
const fenceAt = (index: number): { readonly number: number; readonly fence: number } | undefined =>
  index % 4 < 2 ? { number: index, fence: index - (index % 5 === 0 ? 2 : 1) } : undefined;

/**
 * Applies a drawn log to the folder, entry by entry, and gives it; `keyed`: some under keys or with
 * fences.
 */
export const judgeLog = (
  folder: string,
  { foreignKeys, commands }: DrawnLog,
  keyed = false,
): JudgedLog => {
  const writer = openWriter({ dataFolder: folder, foreignKeys, ...effects });
  const reader = openReader({ dataFolder: folder, ...effects });
  const entries: CommittedEntry[] = [];
  const outcomes = new Map<number, Uint8Array>();
  let refused = 0;
  try {
    for (const command of commands) {
      const known = judged(reader, command);
      if (known === undefined) {
        refused += 1;
        continue;
      }
      const interactive = keyed && command.transaction ? fenceAt(entries.length + 1) : undefined;
      const { key, times } = keyed ? keyAt(entries.length + 1) : { key: undefined, times: 1 };
      for (let time = 0; time < times; time++) {
        const index = entries.length + 1;
        const entry = commandEntry(index, known.texts, {
          schemaIndex: known.schemaIndex,
          transaction: command.transaction,
          render: renderBits.wanted,
          timeMs: entryTimeMs + index * 1234,
          key,
          interactive,
        });
        entries.push(entry);
        for (const { outcome } of writer.apply([entry]).outcomes) outcomes.set(index, outcome);
      }
    }
  } finally {
    reader.close();
    writer.close();
  }
  return { foreignKeys, entries, outcomes, refused };
};
