// GET /nodes: every node of the cluster, asked just now. `ver=2` is a list, otherwise a map by
// name.
import { jsonAnswer, type OrdinaryRoute } from '#http/route.ts';
import { nodeObject } from './node-object.ts';

/** The route. */
export const nodes: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/nodes',
  methods: ['GET'],
  permissions: ['status'],
  anonymous: false,
  changes: false,
  media: [],
  about: {
    summary: 'Every node, asked just now.',
    parameters: ['nonvoters', 'ver', 'timeout', 'pretty'],
    answers: { 200: 'nodes' },
    errors: [],
  },
  handle: async (exchange, services) => {
    const { nonVoters, timeoutMs, listForm, pretty } = exchange.parameters;
    const found = await services.backend.nodes(nonVoters, timeoutMs);
    const sorted = found.toSorted((left, right) => (left.name < right.name ? -1 : 1));
    const objects = sorted.map(nodeObject);
    if (listForm) return jsonAnswer({ nodes: objects }, pretty);
    return jsonAnswer(new Map(sorted.map((node) => [node.name, nodeObject(node)])), pretty);
  },
};
