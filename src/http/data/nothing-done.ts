// Whether a reply says that nothing was done and that another node, or the same a moment later,
// takes the request: leadership changes hands, and the client need not hear of it.
import type { DataReply } from './data-request.ts';

/** They concern who leads, not what was asked. */
const aboutLeadership: ReadonlySet<string> = new Set([
  'no_leader',
  'not_leader',
  'leadership_lost',
  'unreachable',
]);

/** The status of all of them. */
const unavailable = 503;

interface Said {
  readonly code: string;
  readonly applied: string | undefined;
}

const saidIn = (reply: DataReply): Said | undefined => {
  if (reply.kind === 'error') return reply.answer;
  if (reply.kind !== 'relayed' || reply.status !== unavailable) return undefined;
  try {
    return JSON.parse(Buffer.from(reply.json).toString('utf8')) as Said;
  } catch {
    return undefined;
  }
};

/** A read can be asked again whatever became of it; a write only when it was not applied. */
export const nothingDone = (reply: DataReply, isRead: boolean): boolean => {
  const said = saidIn(reply);
  if (said === undefined || !aboutLeadership.has(said.code)) return false;
  return isRead || said.applied === 'no';
};
