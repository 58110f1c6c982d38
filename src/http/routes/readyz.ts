// GET /readyz: whether this node serves. Those who may know get rqlite's lines; those without
// credentials (load balancers) get the status and one word.
import { readyLines } from '#http/certificate-ends.ts';
import type { Exchange } from '#http/exchange.ts';
import type { OrdinaryAnswer, OrdinaryRoute } from '#http/route.ts';
import type { Services } from '#http/services.ts';

/** The route. */
export const readyz: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/readyz',
  methods: ['GET'],
  permissions: ['ready'],
  anonymous: true,
  changes: false,
  media: [],
  about: {
    summary: 'Whether this node serves; one word for those without credentials.',
    parameters: ['noleader', 'sync', 'timeout'],
    answers: { 200: 'text', 503: 'text' },
    errors: [],
  },
  handle: async (exchange, services) => {
    const lines = await linesOf(exchange, services);
    const ready = lines.every((line) => line.endsWith(' ok'));
    if (exchange.principal === undefined) return answer(ready, ready ? 'ready' : 'not ready');
    return answer(ready, lines.join('\n'));
  },
};

const answer = (ready: boolean, body: string): OrdinaryAnswer => ({
  status: ready ? 200 : 503,
  contentType: 'text/plain; charset=utf-8',
  body,
});

const linesOf = async (exchange: Exchange, services: Services): Promise<readonly string[]> => {
  const { view } = services.backend;
  const { noLeader, sync, timeoutMs } = exchange.parameters;
  const lines = ['[+]node ok', ...readyLines(services.certificateEnds(), services.wallMs())];
  if (noLeader) return lines;
  if (view.leader === undefined && view.role !== 'leader') {
    return [...lines, '[+]leader does not exist'];
  }
  lines.push('[+]leader ok');
  if (!view.ready) return [...lines, '[+]store not ready'];
  lines.push('[+]store ok');
  // A round of the cluster is not for strangers to start.
  if (sync && exchange.principal !== undefined) {
    const fault = await syncFault(services, timeoutMs);
    if (fault !== undefined) return [...lines, `[+]sync ${fault}`];
    lines.push('[+]sync ok');
  }
  return [...lines, '[+]db ok'];
};

/** Waits until this node holds what the leader had committed when it was asked. */
const syncFault = (services: Services, timeoutMs: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const { backend } = services;
    backend.readIndex('linearizable', timeoutMs, (reply) => {
      // A follower that cannot ask waits for the commit index that it has heard of.
      const index = reply.kind === 'index' ? reply.index : backend.view.commitIndex;
      backend.whenApplied(index, timeoutMs, (applied) => {
        resolve(applied ? undefined : 'timeout');
      });
    });
  });
