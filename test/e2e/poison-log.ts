// Puts an entry into the logs of stopped nodes that no node would have proposed: past the guard, as
// a fault of the guard would.
import { encodeCommand } from '#command/command-codec.ts';
import { encodeProposal } from '#command/proposal-codec.ts';
import { systemEffects } from '#node/node-effects.ts';
import { openStoppedNode } from '#node/recovery/stopped-node.ts';
import type { Entry } from '#raft/entry.ts';
import { indexAfter } from '#raft/log-index.ts';
import { term } from '#raft/term.ts';

/** Never ends, and writes nothing meanwhile. */
export const endless =
  'INSERT INTO t (a) WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';

/**
 * Ends every log with the same entry, after what the longest of them holds; gives its index. The
 * logs are of nodes that agreed and were stopped one after the other.
 */
export const poisonLogs = async (folders: readonly string[], text: string): Promise<number> => {
  const nodes = await Promise.all(folders.map((folder) => openStoppedNode(folder, systemEffects)));
  try {
    const longest = nodes.reduce((a, b) => (b.lastIndex > a.lastIndex ? b : a));
    const command = encodeCommand({
      texts: [text],
      statements: [{ text: 0, positional: [], named: [] }],
      transaction: false,
      schemaIndex: longest.writer.state.schemaIndex,
      changesSchema: false,
      user: 'nobody',
      requestId: '',
    });
    const poison: Entry = {
      index: indexAfter(longest.lastIndex),
      term: longest.lastTerm,
      kind: 'command',
      data: encodeProposal({ timeMs: Date.now(), seed: Buffer.alloc(16, 7), command }),
    };
    for (const { stopped, lastIndex } of nodes) {
      const next = indexAfter(lastIndex);
      const found =
        lastIndex < longest.lastIndex ? await longest.stopped.log.read(next, 1024 * 1024) : [];
      // The longest may hold the poison by now.
      const missing = found.filter(({ index }) => index <= longest.lastIndex);
      const { hardState } = stopped.log.recovered;
      const newest = term(Math.max(hardState.term, poison.term));
      await stopped.append({
        snapshot: undefined,
        truncateFrom: undefined,
        entries: [...missing, poison],
        hardState: { ...hardState, term: newest },
      });
    }
    return poison.index;
  } finally {
    for (const node of nodes) await node.close();
  }
};
