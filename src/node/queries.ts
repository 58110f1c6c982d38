// What a node's fronts have under way, and how one of it is ended: by the front that has it, or
// here, when it waits for its turn in front of the log. What is in the log is not ended by anybody.
import type { BackendRefusal, DoneReply, RunningQuery } from '#http/backend.ts';
import type { Fronts } from './fronts.ts';
import type { Proposals } from './proposals.ts';
import { refused } from './proposals.ts';
import type { Rehearsals } from './rehearsals.ts';

/** Where requests may be. */
export interface QueriesContext {
  readonly fronts: Fronts | undefined;
  readonly rehearsals: Rehearsals;
  readonly proposals: Proposals;
  /** Where the leader is asked, as a sentence has it; empty: unknown. */
  readonly leader: string;
  /** Sends what a verdict has released. */
  readonly afterwards: () => void;
}

/** What a client hears whose write was ended before the log had it. */
const killedWrite: BackendRefusal = refused(
  'killed',
  'somebody who may (permission kill) ended this write before it was in the log',
);

/** What all fronts have under way. */
export const runningQueries = async ({
  fronts,
  rehearsals,
}: QueriesContext): Promise<readonly RunningQuery[]> => {
  const running = (await fronts?.queries()) ?? [];
  const rehearsed = rehearsals.requestIds();
  return running.map((query) =>
    query.state === 'proposed' && rehearsed.has(query.id)
      ? { ...query, state: 'rehearsing' }
      : query,
  );
};

/** Ends a request of this node. */
export const killQuery = async (id: string, context: QueriesContext): Promise<DoneReply> => {
  const verdicts = (await context.fronts?.kill(id)) ?? [];
  if (verdicts.includes('killed')) return { kind: 'done' };
  if (verdicts.includes('proposed')) {
    const ended =
      context.rehearsals.kill(id, killedWrite) || context.proposals.kill(id, killedWrite);
    context.afterwards();
    return ended ? { kind: 'done' } : refused('not_killable', inTheLog);
  }
  if (verdicts.includes('forwarded')) {
    const there = context.leader === '' ? '' : ` (${context.leader})`;
    return refused('not_killable', `The leader${there} runs this request: end it there, by its id`);
  }
  return refused('not_found', 'No request of this id is under way at this node');
};

const inTheLog =
  'The write is in the log: it is applied as soon as it is committed, and its client hears of it';
