// GET /metrics: the numbers of this node and of all its fronts, for Prometheus.
import type { NodeNumbers, NodeView } from '#http/backend.ts';
import { samplesOfEnds } from '#http/certificate-ends.ts';
import { exposition, expositionType, type Sample, summed } from '#http/metrics/exposition.ts';
import { families } from '#http/metrics/families.ts';
import type { OrdinaryRoute } from '#http/route.ts';

/** The route. */
export const metrics: OrdinaryRoute = {
  kind: 'ordinary',
  path: '/metrics',
  methods: ['GET'],
  permissions: ['metrics'],
  anonymous: false,
  changes: false,
  media: [],
  about: {
    summary: "Numbers of the node and its fronts, in Prometheus' text format.",
    parameters: [],
    answers: { 200: 'text' },
    errors: [],
  },
  handle: async (_exchange, { backend, version, certificateEnds, wallMs }) => {
    const numbers = await backend.numbers();
    const samples = [
      { name: 'stockade_build_info', labels: { version }, value: 1 },
      ...summed(numbers.fronts),
      ...samplesOfView(backend.view, backend.leaderSilentMs()),
      ...samplesOfNode(numbers),
      ...numbers.samples,
      ...samplesOfEnds(certificateEnds(), wallMs()),
    ];
    return { status: 200, contentType: expositionType, body: exposition(families, samples) };
  },
};

const plain = (name: string, value: number): Sample => ({ name, labels: {}, value });

const roles: readonly NodeView['role'][] = ['leader', 'follower', 'candidate'];

const samplesOfView = (view: NodeView, silentMs: number): readonly Sample[] => [
  ...roles.map((role) => ({
    name: 'stockade_raft_role',
    labels: { role },
    value: view.role === role ? 1 : 0,
  })),
  plain('stockade_raft_voter', view.voter ? 1 : 0),
  plain('stockade_raft_term', view.term),
  plain('stockade_raft_commit_index', view.commitIndex),
  plain('stockade_raft_applied_index', view.appliedIndex),
  plain('stockade_raft_lag_entries', Math.max(0, view.commitIndex - view.appliedIndex)),
  plain('stockade_raft_leader_contact_seconds', silentMs / 1000),
  plain('stockade_node_ready', view.ready ? 1 : 0),
];

const samplesOfNode = (numbers: NodeNumbers): readonly Sample[] => [
  ...numbers.alarms.map((alarm) => ({ name: 'stockade_alarm', labels: { alarm }, value: 1 })),
  plain('stockade_raft_proposals_in_flight', numbers.proposalsInFlight),
  ...Object.entries(numbers.restarts).map(([process, value]) => ({
    name: 'stockade_process_restarts_total',
    labels: { process },
    value,
  })),
];
