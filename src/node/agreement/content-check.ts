// The leader's side of a content check: every member hashes all that users stored, at one and the
// same entry. The entry is a barrier with the check's id, so that it is the log itself that says
// where; members that are not there, or too far behind, are told as unknown.
import { isNodeName } from '#identity/node-name.ts';
import type { Random } from '#io/random.ts';
import type { Raft } from '#raft/raft.ts';
import type { Transport } from '#transport/transport.ts';
import { hashMsMax, prepareMsMax, tablesToldMax } from './bounds.ts';
import { askPeer, collectCheck, type HashedPart, prepareCheck } from './calls.ts';
import type { ContentHasher } from './content-hasher.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** What it needs of the node. */
export interface ContentCheckOptions {
  readonly self: string;
  readonly raft: Pick<Raft, 'proposeBarrier' | 'softState'>;
  readonly transport: Pick<Transport, 'call'>;
  readonly hasher: ContentHasher;
  readonly random: Random;
  /** Names of all members, and of those that vote. */
  readonly members: () => { readonly all: readonly string[]; readonly voters: readonly string[] };
  /** Works off what the core has to say. */
  readonly drain: () => void;
  readonly wallMs: () => number;
}

/** One node's content as a report gives it. */
export interface CheckedNode {
  readonly id: string;
  readonly digest: string;
  readonly rows: number;
  /** Undefined: not known. Null would be a third word for it. */
  readonly agrees: boolean | undefined;
  /** Tables that are not what they are on the leader. */
  readonly differingTables: readonly string[];
  /** Why nothing is known of it. */
  readonly error: string;
}

/** What a content check found. */
export interface CheckReport {
  readonly index: number;
  readonly startedMs: number;
  readonly tookMs: number;
  readonly verdict: Verdict;
  readonly nodes: readonly CheckedNode[];
}

/** What became of a check. */
export type CheckEnd =
  | { readonly kind: 'report'; readonly report: CheckReport }
  | { readonly kind: 'failed'; readonly reason: string };

const idBytes = 16;

/** Runs a check on the leader. Never rejects. */
export const checkContent = async (options: ContentCheckOptions): Promise<CheckEnd> => {
  const { self, raft, transport, hasher, random, members, drain, wallMs } = options;
  const startedMs = wallMs();
  const id = Buffer.from(random.bytes(idBytes)).toString('hex');
  const { all, voters } = members();
  const others = all.filter((name) => name !== self);
  const prepared = await Promise.all([
    hasher.prepare(id),
    ...others.map(async (name) => {
      if (!isNodeName(name)) return false;
      const answer = await askPeer(transport, name, prepareCheck, { id }, prepareMsMax);
      return answer?.done === true;
    }),
  ]);
  if (prepared[0] !== true) return { kind: 'failed', reason: 'the reader here did not start' };
  const proposed = raft.proposeBarrier(Buffer.from(id, 'hex'));
  drain();
  if (proposed.kind === 'refused') {
    return { kind: 'failed', reason: `the entry was refused: ${proposed.refusal.kind}` };
  }
  const parts = new Map<string, HashedPart>();
  await Promise.all([
    hasher.collect(id).then((part) => parts.set(self, part)),
    ...others.map(async (name) => {
      const asked = isNodeName(name)
        ? await askPeer(transport, name, collectCheck, { id }, hashMsMax)
        : undefined;
      parts.set(name, asked ?? { content: undefined, reason: 'it did not answer' });
    }),
  ]);
  const own = parts.get(self)?.content;
  if (own === undefined) return { kind: 'failed', reason: parts.get(self)?.reason ?? '' };
  const report = reportOf(self, voters, parts, own.appliedIndex);
  return { kind: 'report', report: { ...report, startedMs, tookMs: wallMs() - startedMs } };
};

/** Digests at the entry of the check, and what follows from them. */
export const reportOf = (
  self: string,
  voters: readonly string[],
  parts: ReadonlyMap<string, HashedPart>,
  index: number,
): Pick<CheckReport, 'index' | 'verdict' | 'nodes'> => {
  const contentOf = (name: string) => {
    const content = parts.get(name)?.content;
    return content?.appliedIndex === index ? content : undefined;
  };
  const own = contentOf(self);
  const verdict = verdictOf({
    self,
    voters,
    others: [...parts.keys()].filter((name) => name !== self),
    relation: (left, right) => {
      const [a, b] = [contentOf(left), contentOf(right)];
      if (a === undefined || b === undefined) return 'unknown';
      return a.digest === b.digest ? 'same' : 'different';
    },
  });
  const nodes = [...parts].sort(byName).map(([id, part]): CheckedNode => {
    const content = contentOf(id);
    return {
      id,
      digest: content?.digest ?? '',
      rows: content?.rows ?? 0,
      agrees: content === undefined ? undefined : content.digest === own?.digest,
      differingTables: content === undefined ? [] : tablesThatDiffer(content, own),
      error: content === undefined ? part.reason || 'it was at another entry' : '',
    };
  });
  return { index, verdict, nodes };
};

const byName = ([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number =>
  left < right ? -1 : 1;

type Tables = Pick<NonNullable<HashedPart['content']>, 'tables'>;

const tablesThatDiffer = (there: Tables, here: Tables | undefined): readonly string[] => {
  const digests = new Map(here?.tables.map(({ name, digest }) => [name, digest]));
  const names = there.tables.map(({ name }) => name);
  const missing = [...digests.keys()].filter((name) => !names.includes(name));
  const changed = there.tables.filter(({ name, digest }) => digests.get(name) !== digest);
  return [...changed.map(({ name }) => name), ...missing].slice(0, tablesToldMax);
};
