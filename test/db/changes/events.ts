// What a node's store of changes holds, as a test reads it.
import { changeStorePath } from '#db/changes/change-store.ts';
import { noBindings, openEngine } from '#db/engine.ts';

/** An event as it was stored. */
export interface StoredEvent {
  readonly entry: number;
  readonly table: string;
  readonly text: string;
}

/** All events, in their order. */
export const storedEvents = (folder: string): readonly StoredEvent[] => {
  const engine = openEngine(changeStorePath(folder), { readonly: true, busyTimeoutMs: 0 });
  try {
    return engine
      .prepare(`SELECT entry, table_name, head || images FROM events
          WHERE entry <= (SELECT stored_index FROM position) ORDER BY entry, number`)
      .all(noBindings, false)
      .map(([entry, table, text]) => ({
        entry: Number(entry),
        table: String(table),
        text: `{${String(text)}}`,
      }));
  } finally {
    engine.close();
  }
};

/** The same as one text, a line an event. */
export const eventsIn = (folder: string): string =>
  storedEvents(folder)
    .map(({ entry, table, text }) => `${entry} ${table} ${text}`)
    .join('\n');
