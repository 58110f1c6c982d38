// The loop of one node: consensus, its peers, the way to the writer and what fronts ask, joined.
// Every event ends in `drain`, so that all that one turn brought leaves in one batch.
import type { MemberRecord } from '#command/member.ts';
import { decodeProposal } from '#command/proposal-codec.ts';
import type { AppliedBatch } from '#db/writer.ts';
import type { BackendRefusal } from '#http/backend.ts';
import { isNodeName, type NodeName } from '#identity/node-name.ts';
import { unreachable } from '#invariant.ts';
import { unappliedEntriesMax } from '#limits.ts';
import type { Seam } from '#process/seam.ts';
import type { Entry } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import type { Message } from '#raft/message.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';
import type { SoftState } from '#raft/ready.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import type { Transport } from '#transport/transport.ts';
import { ApplyFeed } from './apply-feed.ts';
import { addressText, type NodeConfig } from './config.ts';
import type { Consensus } from './consensus.ts';
import { ConsensusDriver } from './consensus-driver.ts';
import type { Fronts } from './fronts.ts';
import type { FolderIdentity } from './identity-file.ts';
import type { Logger } from './logger.ts';
import type { Members } from './members.ts';
import type { MembershipChanges } from './membership-changes.ts';
import type { NodeEffects } from './node-effects.ts';
import { answerPeer, forwardToLeader, type PeerCallsContext, probeMembers } from './peer-calls.ts';
import { Proposals, refused } from './proposals.ts';
import { ReadRounds } from './read-rounds.ts';
import type { RemovalWord } from './removal-word.ts';
import {
  forward,
  nodeStatus,
  probeNodes,
  propose,
  readIndex,
  type ViewPush,
} from './seams/front-seam.ts';
import { createSeedPool } from './seed-pool.ts';
import { statusOf } from './status.ts';
import { version } from './version.ts';
import { viewOf } from './view.ts';
import type { WriterKeeper } from './writer-keeper.ts';
import type { OpenWriter } from './writer-process.ts';

/** Fronts hear at least this often how the node stands. */
const viewEveryMs = 20;

/** Links are judged anew this often: certificates expire. */
const sweepEveryMs = 60_000;

/** How long a leader that stops waits for another one to take over. */
const handOverMs = 2000;

/** What the loop is opened with. */
export interface NodeLoopOptions {
  readonly config: NodeConfig;
  readonly effects: NodeEffects;
  readonly log: Logger;
  readonly identity: FolderIdentity;
  readonly material: () => PeerMaterial;
  readonly bootstrap: readonly MemberRecord[] | undefined;
  readonly keeper: WriterKeeper;
  /** What the first writer found in the database. */
  readonly database: OpenWriter;
  readonly onFatal: (error: Error) => void;
}

/** What is open before the loop runs. */
export interface Opened {
  readonly consensus: Consensus;
  readonly transport: Transport;
  readonly members: Members;
  readonly membership: MembershipChanges;
  readonly removal: RemovalWord;
}

/** The joined parts, once all are open. */
interface Parts extends Opened {
  readonly driver: ConsensusDriver;
  readonly feed: ApplyFeed;
  readonly proposals: Proposals;
  readonly rounds: ReadRounds;
}

/** One node's loop. */
export class NodeLoop {
  /**
   * Resolves when everything that was committed before the start is applied and a leader is known.
   */
  readonly serving: Promise<void>;
  readonly #options: NodeLoopOptions;
  readonly #parts: Parts;
  readonly #startedMs: number;
  /** What the database must hold before this node calls itself ready. */
  readonly #readyIndex: number;
  readonly #timers: NodeJS.Timeout[] = [];
  #fronts: Fronts | undefined;
  readonly #self: NodeId;
  #schemaIndex = 0;
  #syncMicroseconds = 0;
  #ready = false;
  #stopping = false;
  #setPeersScheduled = false;
  #onServing: () => void = () => undefined;

  constructor(options: NodeLoopOptions, opened: Opened) {
    this.#options = options;
    this.#self = nodeId(options.identity.name);
    this.#startedMs = options.effects.clock.wallMs();
    this.#readyIndex = opened.consensus.raft.commitIndex;
    this.serving = new Promise((resolve) => {
      this.#onServing = resolve;
    });
    this.#parts = this.#join(opened);
  }

  /** The port of the peer listener. */
  get peerPort(): number {
    return this.#parts.transport.port;
  }

  /** How the node stands now. */
  view(): ViewPush {
    const { consensus, members, transport, feed } = this.#parts;
    return viewOf({
      raft: consensus.raft,
      self: this.#options.identity.name,
      members,
      transport,
      appliedIndex: feed.appliedIndex,
      schemaIndex: this.#schemaIndex,
      ready: this.#ready,
    });
  }

  /** Works off what the core has to say. */
  drain(): void {
    this.#parts.driver.drain();
  }

  /** From now on fronts are told how the node stands. */
  attachFronts(fronts: Fronts): void {
    this.#fronts = fronts;
    this.#timers.push(setInterval(() => fronts.push(this.view()), viewEveryMs));
  }

  /** Answers what a front asks. */
  serveFront(seam: Seam): void {
    const { consensus, proposals, rounds } = this.#parts;
    seam.serve(propose, (proposal, reply) => proposals.submit(proposal, reply));
    seam.serve(readIndex, ({ kind }, reply) => {
      if (kind === 'strong') proposals.submitBarrier(reply);
      else rounds.request(reply);
    });
    const calls = this.#callsContext();
    seam.serve(forward, (request, reply) => forwardToLeader(calls, request, reply));
    seam.serve(probeNodes, ({ replicas, timeoutMs }, reply) => {
      void probeMembers(calls, replicas, timeoutMs).then(reply);
    });
    seam.serve(nodeStatus, (_request, reply) => {
      reply(
        statusOf({
          config: this.#options.config,
          raft: consensus.raft,
          members: this.#parts.members,
          view: this.view(),
          cluster: this.#options.identity.cluster,
          storeId: this.#options.identity.store,
          startedMs: this.#startedMs,
          nowMs: this.#options.effects.clock.wallMs(),
          proposalsInFlight: proposals.size,
          writer: { pid: this.#options.keeper.pid, restarts: this.#options.keeper.restarts },
          fronts: { pids: this.#fronts?.pids ?? [], restarts: this.#fronts?.restarts ?? 0 },
          syncMicroseconds: this.#syncMicroseconds,
          version,
        }),
      );
    });
  }

  /** New proposals are refused from now on: the node stops. */
  refuseProposals(): void {
    this.#stopping = true;
  }

  /** Hands leadership over if there is somebody to take it, then closes peers and log. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#handOver();
    for (const timer of this.#timers) clearInterval(timer);
    this.#parts.membership.close();
    this.#parts.driver.stop();
    this.#parts.feed.detach();
    await this.#parts.transport.close();
    await this.#parts.consensus.log.close();
  }

  #join(opened: Opened): Parts {
    const { raft, log } = opened.consensus;
    const { effects, onFatal, database } = this.#options;
    const proposals: Proposals = new Proposals(
      {
        raft,
        now: () => effects.clock.wallMs(),
        seed: createSeedPool(effects.random),
        schemaIndex: () => this.#schemaIndex,
        appliedIndex: () => feed.appliedIndex,
        closed: () => this.#closed(),
      },
      this.#newestTimeMs(opened.consensus, database.timeMs),
    );
    const feed: ApplyFeed = new ApplyFeed(raft, log, logIndex(0), {
      renderOf: (entry) => proposals.renderOf(entry),
      onApplied: (batch, entries) => this.#applied(batch, entries),
      onFailed: onFatal,
    });
    const rounds: ReadRounds = new ReadRounds(raft, () => driver.drain());
    const driver: ConsensusDriver = new ConsensusDriver(raft, log, opened.transport, {
      onCommit: (index) => {
        feed.committed(index);
        rounds.committed();
        if (opened.membership.committed(index)) this.setPeersLater();
      },
      onSoftState: (state) => this.#roleChanged(state),
      onReadStates: (states) => rounds.ended(states),
      onAppend: (entries) => this.#appended(entries),
      onSnapshotRequest: ({ to }) => {
        this.#options.log.error({ to }, 'a follower needs entries that are no longer in the log');
        raft.reportSnapshot(to, false);
      },
      onLoaded: () => feed.pump(),
      onFailed: onFatal,
    });
    return { ...opened, driver, feed, proposals, rounds };
  }

  /** Starts ticking; called once. */
  start(): void {
    const { consensus, feed, proposals, driver } = this.#parts;
    this.#options.keeper.attach({
      onReady: (writer) => {
        this.#schemaIndex = writer.started.schemaIndex;
        const appliedIndex = logIndex(writer.started.appliedIndex);
        feed.attach(writer.apply, appliedIndex);
        proposals.resultsLost(appliedIndex);
        this.#maybeReady();
      },
      onLost: () => {
        feed.detach();
        this.#ready = false;
      },
    });
    this.setPeersLater();
    this.#timers.push(
      setInterval(() => {
        if (!this.#parts.removal.removed) consensus.raft.tick();
        driver.drain();
      }, consensus.tickMs),
      setInterval(() => this.#parts.transport.sweep(), sweepEveryMs),
    );
    // Alone there is nobody to wait for.
    const { voters } = consensus.raft.membership;
    if (voters.length === 1 && voters[0] === this.#self) {
      consensus.raft.campaign();
    }
    driver.schedule();
  }

  /** Log time of the newest entry this node has: no later entry may be earlier. */
  #newestTimeMs({ log }: Consensus, appliedTimeMs: number): number {
    const last = log.recovered.recentEntries.findLast(({ kind }) => kind === 'command');
    return last === undefined ? appliedTimeMs : decodeProposal(last.data).timeMs;
  }

  /** The log reports a sync. */
  onDurable(sequence: number, syncMicroseconds: number): void {
    this.#syncMicroseconds = syncMicroseconds;
    this.#parts.driver.durable(sequence);
  }

  /** Messages of one peer, in order. */
  onMessages(messages: readonly Message[]): void {
    this.#parts.driver.step(messages);
  }

  #appended(entries: readonly Entry[]): void {
    if (this.#parts.membership.appended(entries)) this.setPeersLater();
    for (const entry of entries) {
      switch (entry.kind) {
        case 'command':
          this.#parts.proposals.observeTime(decodeProposal(entry.data).timeMs);
          break;
        case 'configuration':
        case 'barrier':
          break;
        default:
          unreachable(entry.kind);
      }
    }
  }

  #applied(batch: AppliedBatch, entries: readonly Entry[]): void {
    this.#schemaIndex = batch.schemaIndex;
    this.#parts.consensus.raft.applied(logIndex(batch.appliedIndex));
    this.#maybeReady();
    // Fronts learn the new state before the outcomes: who reads next sees its own write.
    this.#fronts?.push(this.view());
    this.#parts.proposals.applied(entries, batch.outcomes);
    this.#parts.driver.drain();
  }

  #maybeReady(): void {
    const { feed, consensus } = this.#parts;
    // An empty database belongs to nobody yet: the first entry says who the members are.
    if (this.#ready || feed.appliedIndex < Math.max(1, this.#readyIndex)) return;
    if (consensus.raft.softState.leader === undefined) return;
    this.#ready = true;
    this.#onServing();
  }

  #roleChanged({ role, term, leader }: SoftState): void {
    this.#options.log.info({ role, term, leader }, 'role');
    if (role !== 'leader') {
      this.#parts.proposals.deposed();
      this.#parts.rounds.deposed();
    }
    this.#maybeReady();
    this.#fronts?.push(this.view());
  }

  /** A peer can be sent to, or no longer. */
  onLink(name: NodeName, up: boolean, reason: string): void {
    this.#options.log.info(
      { peer: name, up, reason },
      up ? 'peer connected' : 'peer not connected',
    );
    if (!up) this.#parts.consensus.raft.reportUnreachable(nodeId(name));
    this.#parts.removal.heard(name, up, reason);
  }

  /** Members or addresses changed: dial whom they name, at the end of this turn. */
  setPeersLater(): void {
    if (this.#setPeersScheduled) return;
    this.#setPeersScheduled = true;
    setImmediate(() => {
      this.#setPeersScheduled = false;
      const { transport, members } = this.#parts;
      transport.setPeers(members.addresses());
      transport.sweep();
    });
  }

  /** A peer asks something. */
  onCall(method: number, payload: Buffer, reply: (payload: Uint8Array) => void): void {
    answerPeer(this.#callsContext(), this.#fronts, method, payload, reply);
  }

  #closed(): BackendRefusal | undefined {
    if (this.#stopping) return refused('shutting_down', 'this node is stopping');
    if (this.#parts.feed.lagEntries > unappliedEntriesMax) {
      return refused('queue_full', 'the database cannot keep up with the log; try again');
    }
    return undefined;
  }

  #callsContext(): PeerCallsContext {
    const { consensus, transport, members } = this.#parts;
    return {
      raft: consensus.raft,
      transport,
      members,
      self: this.#options.identity.name,
      apiUrl: `https://${addressText(this.#options.config.http.advertise)}`,
      now: () => this.#options.effects.clock.monotonicMs(),
    };
  }

  async #handOver(): Promise<void> {
    const { consensus, transport, driver } = this.#parts;
    const { raft } = consensus;
    if (raft.softState.role !== 'leader') return;
    const heir = raft.membership.voters.find(
      (voter) => voter !== this.#self && isNodeName(voter) && transport.isUp(voter),
    );
    if (heir === undefined || raft.transferLeadership(heir) !== undefined) return;
    driver.drain();
    const until = this.#options.effects.clock.monotonicMs() + handOverMs;
    while (raft.softState.role === 'leader' && this.#options.effects.clock.monotonicMs() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
