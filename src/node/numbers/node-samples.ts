// What a node counts of itself, put together when /metrics is asked for. What happens often is
// counted where it happens; everything else is looked at here.
import type { NodeNumbers } from '#http/backend.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { AuditState } from '#node/audit-log.ts';
import type { LoopParts } from '#node/loop-parts.ts';
import { votingNames } from '#node/voting-names.ts';
import type { RefusedFor } from '#transport/transport.ts';
import { diskSamples } from './disk-numbers.ts';
import type { ProcessNumbers } from './process-numbers.ts';

/** Where a node's numbers come from. */
export interface NumberSources {
  readonly parts: LoopParts;
  readonly self: string;
  readonly dataFolder: string;
  readonly files: FileSystem;
  /** When the node began, milliseconds since 1970. */
  readonly startedMs: number;
  readonly process: ProcessNumbers;
  readonly refusals: PeerRefusals;
  /** Undefined until the audit log is open. */
  readonly audit: AuditState | undefined;
  readonly writer: { readonly restarts: number; samples(): Promise<readonly Sample[]> };
  readonly fronts:
    | { readonly restarts: number; samples(): Promise<readonly (readonly Sample[])[]> }
    | undefined;
}

/** Connections to the peer port, or to a peer, that were refused. */
export class PeerRefusals {
  readonly #counts = new Map<RefusedFor, number>();

  /** One was refused. */
  count(why: RefusedFor): void {
    this.#counts.set(why, (this.#counts.get(why) ?? 0) + 1);
  }

  /** The numbers now. */
  samples(): readonly Sample[] {
    return [...this.#counts].map(([reason, value]) => ({
      name: 'stockade_connections_refused_total',
      labels: { port: 'peer', reason },
      value,
    }));
  }
}

/** All numbers now; a front that ends meanwhile is left out. */
export const nodeNumbersOf = async (sources: NumberSources): Promise<NodeNumbers> => {
  const { parts, writer, fronts } = sources;
  const [ofWriter, ofFronts] = await Promise.all([writer.samples(), fronts?.samples() ?? []]);
  return {
    proposalsInFlight: parts.proposals.size,
    alarms: parts.agreement.alarms.standing.map(({ name }) => name),
    samples: [...ownSamples(sources), ...ofWriter],
    restarts: { writer: writer.restarts, front: fronts?.restarts ?? 0 },
    fronts: ofFronts,
  };
};

const plain = (name: string, value: number): Sample => ({ name, labels: {}, value });

const ownSamples = (sources: NumberSources): readonly Sample[] => {
  const { parts, files, dataFolder, startedMs } = sources;
  const { raft } = parts.consensus;
  return [
    plain('stockade_raft_voters', votingNames(raft.membership).size),
    plain('stockade_log_entries', Math.max(0, raft.lastIndex - parts.trimmer.trimmedIndex)),
    ...parts.numbers.samples(),
    ...memberSamples(sources),
    ...rehearsalSamples(parts),
    ...transactionSamples(parts),
    ...sources.refusals.samples(),
    ...diskSamples(dataFolder, parts.disk.state, files),
    ...parts.own.samples(),
    ...auditSamples(sources.audit),
    ...sources.process.samples(),
    plain('stockade_process_start_time_seconds', startedMs / 1000),
  ];
};

const auditSamples = (audit: AuditState | undefined): readonly Sample[] =>
  audit === undefined
    ? []
    : [
        plain('stockade_audit_failing', audit.fault === '' ? 0 : 1),
        plain('stockade_audit_lines_total', audit.lines),
        plain('stockade_audit_lost_total', audit.lost),
      ];

/** How far members are behind only the leader knows. */
const memberSamples = ({ parts, self }: NumberSources): readonly Sample[] => {
  const { raft } = parts.consensus;
  const lag = raft.followers
    .filter(({ node }) => node !== self)
    .map(({ node, match }) => ({
      name: 'stockade_raft_follower_lag_entries',
      labels: { peer: String(node) },
      value: Math.max(0, raft.lastIndex - match),
    }));
  const connected = [...parts.members.addresses().keys()]
    .filter((name) => name !== self)
    .map((name) => ({
      name: 'stockade_peer_connected',
      labels: { peer: String(name) },
      value: parts.transport.isUp(name) ? 1 : 0,
    }));
  return [...lag, ...connected];
};

const transactionSamples = ({ transactions }: LoopParts): readonly Sample[] => [
  plain('stockade_transactions_open', transactions.size),
  ...Object.entries(transactions.ended).map(([result, value]) => ({
    name: 'stockade_transactions_total',
    labels: { result },
    value,
  })),
];

const rehearsalSamples = ({ rehearsals }: LoopParts): readonly Sample[] =>
  Object.entries({ passed: rehearsals.passed, killed: rehearsals.killed }).map(
    ([result, value]) => ({ name: 'stockade_rehearsals_total', labels: { result }, value }),
  );
