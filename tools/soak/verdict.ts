// What must hold when a soak is over: every acknowledged write is there once, and all nodes hold
// the same.
import { dirname, join } from 'node:path';
import { openReader } from '#db/open-reader.ts';
import { systemClock } from '#io/clock.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { type Nodes, until } from './nodes.ts';

/** What was found, node by node. */
export interface Verdict {
  readonly rows: number;
  readonly digest: string;
  readonly faults: readonly string[];
}

const digestOf = (folder: string): { readonly digest: string; readonly rows: number } => {
  const effects = { files: systemFiles, random: cryptoRandom, clock: systemClock };
  const reader = openReader({ dataFolder: join(folder, 'data'), ...effects });
  try {
    return reader.contentHash();
  } finally {
    reader.close();
  }
};

/** The files of a replaced node lie elsewhere, but always in `data` below its folder. */
const dataOf = (nodes: Nodes, at: number): string =>
  dirname(join(nodes.folderOf(at), 'data', 'raft'));

const onOneIndex = async (nodes: Nodes): Promise<readonly string[]> => {
  let chains: readonly { readonly index: number; readonly chain: string }[] = [];
  await until('all nodes hold the same index', async () => {
    const all = await Promise.all(nodes.all.map((at) => nodes.status(at).catch(() => undefined)));
    chains = all.flatMap((status) => (status === undefined ? [] : [status.store.outcome_chain]));
    return chains.length === all.length && new Set(chains.map(({ index }) => index)).size === 1;
  });
  return chains.map(({ chain }) => chain);
};

/** @param counts how many writes of each client were acknowledged; none is under way */
export const judge = async (nodes: Nodes, counts: readonly number[]): Promise<Verdict> => {
  const faults: string[] = [];
  const chains = await onOneIndex(nodes);
  if (new Set(chains).size !== 1) faults.push(`outcome chains differ: ${chains.join(', ')}`);
  const digests = nodes.all.map((at) => digestOf(dirname(dataOf(nodes, at))));
  if (new Set(digests.map(({ digest }) => digest)).size !== 1) {
    faults.push(`content hashes differ: ${digests.map(({ digest }) => digest).join(', ')}`);
  }
  const sql =
    'SELECT c.n, count(r.n), count(DISTINCT r.n), coalesce(max(r.n), 0) FROM counters AS c LEFT JOIN rows AS r ON r.client = c.client GROUP BY c.client ORDER BY c.client';
  for (const at of nodes.all) {
    const path = `/db/query?level=none&q=${encodeURIComponent(sql)}`;
    const answer = await nodes.ask(at, path, { timeoutMs: 60_000 });
    const { results } = JSON.parse(answer.body.toString()) as {
      readonly results: readonly { readonly values?: readonly (readonly number[])[] }[];
    };
    for (const [client, acknowledged] of counts.entries()) {
      const found = results[0]?.values?.[client] ?? [];
      if (found.every((number) => number === acknowledged) && found.length === 4) continue;
      faults.push(
        `n${at + 1}: client ${client} has ${acknowledged} acknowledged, found ${found.join(', ')}`,
      );
    }
  }
  const [first] = digests;
  return { rows: first?.rows ?? 0, digest: first?.digest ?? '', faults };
};
