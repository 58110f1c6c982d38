// What `/consistency` answers, as docs/HTTP.md describes it.

import type { ComparedNode } from './comparison.ts';
import type { CheckedNode, CheckReport } from './content-check.ts';
import type { Verdict } from './verdict.ts';

/** What a report is made of. */
export interface ReportSources {
  readonly leader: string;
  readonly term: number;
  readonly outcomes: Verdict;
  readonly compared: readonly ComparedNode[];
  /** The last content check that this leader has run. */
  readonly content: CheckReport | undefined;
  /** Why the last one failed; empty when it did not. */
  readonly contentError: string;
  readonly running: boolean;
}

const verdictWords = {
  agree: 'agree',
  'followers-differ': 'followers_differ',
  'leader-differs': 'leader_differs',
  'no-majority': 'no_majority',
} as const;

const comparedObject = (node: ComparedNode): Record<string, unknown> => ({
  id: node.id,
  applied_index: node.appliedIndex,
  index: node.index,
  chain: node.chain,
  agrees: node.agrees ?? null,
  quarantined: node.quarantined,
});

const checkedObject = (node: CheckedNode): Record<string, unknown> => ({
  id: node.id,
  digest: node.digest,
  rows: node.rows,
  agrees: node.agrees ?? null,
  differing_tables: node.differingTables,
  error: node.error,
});

/** The answer, keys in order. */
export const reportText = (sources: ReportSources): string => {
  const { leader, term, outcomes, compared, content, contentError, running } = sources;
  return JSON.stringify({
    leader,
    term,
    outcomes: { verdict: verdictWords[outcomes.kind], nodes: compared.map(comparedObject) },
    content:
      content === undefined
        ? null
        : {
            index: content.index,
            at: new Date(content.startedMs).toISOString(),
            took_ms: content.tookMs,
            verdict: verdictWords[content.verdict.kind],
            nodes: content.nodes.map(checkedObject),
          },
    content_error: contentError,
    running,
  });
};
