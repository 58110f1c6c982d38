// The loop of one node: consensus, its peers, the way to the writer and what fronts ask, joined.
// Every event ends in `drain`, so that all that one turn brought leaves in one batch.
import type { TakenImage } from '#db/image/take-image.ts';
import type { AppliedBatch } from '#db/writer.ts';
import type { BackendRefusal } from '#http/backend.ts';
import type { NodeName } from '#identity/node-name.ts';
import { unappliedEntriesMax } from '#limits.ts';
import type { Seam } from '#process/seam.ts';
import type { Entry } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import type { Message } from '#raft/message.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';
import type { SoftState } from '#raft/ready.ts';
import type { ImageAnnouncement, IncomingImage, RefusedFor } from '#transport/transport.ts';
import type { AuditLog } from './audit-log.ts';
import { addressText } from './config.ts';
import type { Fronts } from './fronts.ts';
import { type HandOver, handOver } from './hand-over.ts';
import { deposed, joinParts, type LoopParts, stopParts } from './loop-parts.ts';
import type { NodeLoopOptions, Opened } from './node-loop-options.ts';
import { nodeNumbersOf, PeerRefusals } from './numbers/node-samples.ts';
import { ProcessNumbers } from './numbers/process-numbers.ts';
import { observeEntries } from './observe-entries.ts';
import { answerPeer, type PeerCallsContext } from './peer-calls.ts';
import { askEveryMs } from './peer-vitals.ts';
import { Permits } from './permits.ts';
import { refused } from './proposals.ts';
import type { StepDownRequest } from './seams/front-admin-seam.ts';
import type { ViewPush } from './seams/front-seam.ts';
import { serveFront } from './serve-front.ts';
import { statusOf } from './status.ts';
import { stepDown } from './step-down.ts';
import { version } from './version.ts';
import { viewOf } from './view.ts';
import type { WriterProcess } from './writer-process.ts';

/** Fronts hear how the node stands, and links are judged anew (certificates expire), this often. */
const viewEveryMs = 20;
const sweepEveryMs = 60_000;

/** One node's loop. */
export class NodeLoop {
  /**
   * Resolves when everything that was committed before the start is applied and a leader is known.
   */
  readonly serving: Promise<void>;
  readonly #options: NodeLoopOptions;
  readonly #parts: LoopParts;
  readonly #startedMs: number;
  /** What the database must hold before this node calls itself ready. */
  readonly #readyIndex: number;
  readonly #timers: NodeJS.Timeout[] = [];
  #fronts: Fronts | undefined;
  #audit: Pick<AuditLog, 'state'> | undefined;
  readonly #self: NodeId;
  readonly #permits = new Permits();
  #schemaIndex = 0;
  #syncMicroseconds = 0;
  readonly #refusals = new PeerRefusals();
  readonly #processNumbers: ProcessNumbers;
  #ready = false;
  #writer: WriterProcess | undefined;
  #diskFull = false;
  #stopping = false;
  #setPeersScheduled = false;
  #onServing: () => void = () => undefined;

  constructor(options: NodeLoopOptions, opened: Opened) {
    this.#options = options;
    this.#self = nodeId(options.identity.name);
    this.#startedMs = options.effects.clock.wallMs();
    const { files, clock } = options.effects;
    this.#processNumbers = new ProcessNumbers('node', files, () => clock.monotonicMs());
    this.#readyIndex = opened.consensus.raft.commitIndex;
    this.serving = new Promise((resolve) => {
      this.#onServing = resolve;
    });
    this.#parts = joinParts(options, opened, {
      writer: () => this.#writer,
      schemaIndex: () => this.#schemaIndex,
      closed: (frees) => this.#closed(frees),
      applied: (batch, entries) => this.#applied(batch, entries),
      appended: (entries) => this.#appended(entries),
      restarted: (image) => this.#restarted(image),
      roleChanged: (state) => this.#roleChanged(state),
      fitnessChanged: () => this.#fronts?.push(this.view()),
      setPeersLater: () => this.setPeersLater(),
      restored: () => this.#maybeReady(),
      giveUpLeadership: () => void handOver(this.#handOver()),
    });
  }

  /** The port of the peer listener. */
  get peerPort(): number {
    return this.#parts.transport.port;
  }

  /** How the node stands now. */
  view(): ViewPush {
    const { consensus, members, transport, feed, agreement } = this.#parts;
    return viewOf({
      raft: consensus.raft,
      self: this.#options.identity.name,
      members,
      transport,
      appliedIndex: feed.appliedIndex,
      schemaIndex: this.#schemaIndex,
      ready: this.#ready && agreement.isFit && !this.#parts.own.isRestoring,
      quarantined: agreement.quarantine.mark !== undefined,
      generation: this.#options.keeper.adoptions,
    });
  }

  /** Works off what the core has to say. */
  drain(): void {
    this.#parts.driver.drain();
  }

  /** From now on fronts are told how the node stands. */
  attachFronts(fronts: Fronts, audit: Pick<AuditLog, 'state'>): void {
    this.#fronts = fronts;
    this.#audit = audit;
    this.#timers.push(setInterval(() => fronts.push(this.view()), viewEveryMs));
  }

  /** Answers what a front asks. */
  serveFront(seam: Seam): void {
    serveFront(seam, {
      ...this.#parts,
      keeper: this.#options.keeper,
      calls: this.#callsContext(),
      permits: this.#permits,
      handOver: () => this.#handOver(),
      queries: () => ({
        ...this.#parts,
        fronts: this.#fronts,
        leader: this.view().leader?.apiUrl ?? '',
        afterwards: () => this.drain(),
      }),
      electionMs: this.#options.config.raft.electionMs,
      numbers: () =>
        nodeNumbersOf({
          parts: this.#parts,
          self: this.#options.identity.name,
          dataFolder: this.#options.config.node.data,
          files: this.#options.effects.files,
          startedMs: this.#startedMs,
          process: this.#processNumbers,
          refusals: this.#refusals,
          writer: this.#options.keeper,
          fronts: this.#fronts,
          audit: this.#audit?.state,
        }),
      status: () => this.#status(),
      report: (check, waitMs) => this.#parts.agreement.report(check, waitMs),
    });
  }

  /** As the leader, hands over; see step-down.ts. */
  stepDown(request: StepDownRequest): ReturnType<typeof stepDown> {
    return stepDown(this.#handOver(), request, this.#options.config.raft.electionMs);
  }

  #status(): Record<string, unknown> {
    const { config, identity, keeper, effects } = this.#options;
    return statusOf({
      ...this.#parts,
      config,
      raft: this.#parts.consensus.raft,
      view: this.view(),
      cluster: identity.cluster,
      storeId: identity.store,
      startedMs: this.#startedMs,
      nowMs: effects.clock.wallMs(),
      files: effects.files,
      proposalsInFlight: this.#parts.proposals.size,
      outcomes: this.#parts.agreement.outcomes,
      alarms: this.#parts.agreement.alarms.standing,
      ...this.#parts.own.status,
      writer: { pid: keeper.pid, restarts: keeper.restarts },
      fronts: { pids: this.#fronts?.pids ?? [], restarts: this.#fronts?.restarts ?? 0 },
      audit: this.#audit?.state,
      syncMicroseconds: this.#syncMicroseconds,
      disk: { ...this.#parts.disk.state, reserveBytes: this.#parts.disk.reserveBytes },
      version,
    });
  }

  /** Hands leadership over, if there is somebody to take it, and goes on. */
  async resign(): Promise<void> {
    await handOver(this.#handOver());
  }

  /** Hands leadership over if there is somebody to take it, then closes peers and log. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.resign();
    for (const timer of this.#timers) clearInterval(timer);
    await stopParts(this.#parts);
  }

  /** What these users may do has changed: what they have open was begun under other rules. */
  usersChanged(names: readonly string[]): void {
    this.#parts.transactions.endThoseOf(names);
  }

  /** How often it ticked. */
  get turns(): number {
    return this.#parts.driver.turns;
  }

  /** Starts ticking; called once. */
  start(): void {
    const { consensus, feed, proposals, driver } = this.#parts;
    this.#options.keeper.attach({
      onReady: (writer) => {
        this.#writer = writer;
        this.#schemaIndex = writer.started.schemaIndex;
        const appliedIndex = logIndex(writer.started.appliedIndex);
        this.#parts.agreement.started(appliedIndex, writer.started.outcomeChain);
        feed.attach(writer.apply, appliedIndex);
        proposals.observeTime(writer.started.timeMs);
        proposals.resultsLost(appliedIndex);
        this.#parts.transactions.applied();
        this.#maybeReady();
        this.#fronts?.push(this.view());
      },
      onLost: () => {
        this.#writer = undefined;
        feed.detach();
        this.#ready = false;
      },
      onFatal: this.#options.onFatal,
    });
    this.#parts.disk.start();
    this.setPeersLater();
    this.#timers.push(
      setInterval(() => driver.turn(!this.#parts.removal.removed), consensus.tickMs),
      setInterval(() => this.#parts.transport.sweep(), sweepEveryMs),
      setInterval(() => this.#parts.vitals.look(), askEveryMs),
    );
    // Alone there is nobody to wait for.
    const { voters } = consensus.raft.membership;
    if (voters.length === 1 && voters[0] === this.#self) consensus.raft.campaign();
    driver.schedule();
    this.#parts.own.start();
  }

  /** An append is on the disk. */
  onDurable(sequence: number): void {
    this.#parts.driver.durable(sequence);
  }

  /** A sync of the log took so long. */
  onSynced(microseconds: number): void {
    this.#syncMicroseconds = microseconds;
    this.#parts.numbers.synced(microseconds);
  }

  /** A connection with a peer, or somebody who is none, was refused. */
  onRefused(why: RefusedFor): void {
    this.#refusals.count(why);
  }

  /** Messages of one peer, in order. */
  onMessages(messages: readonly Message[]): void {
    this.#parts.agreement.heard(messages);
    this.#parts.driver.step(messages);
  }

  #appended(entries: readonly Entry[]): void {
    if (this.#parts.membership.appended(entries)) this.setPeersLater();
    observeEntries(entries, (timeMs) => this.#parts.proposals.observeTime(timeMs));
  }

  /** An image takes the place of the database; no entry behind it has been appended yet. */
  #restarted({ index, clusterRecord }: TakenImage): void {
    this.#parts.trimmer.restarted(logIndex(index));
    this.#parts.proposals.replacedByImage(logIndex(index));
    this.#parts.membership.restarted(logIndex(index), Buffer.from(clusterRecord, 'base64'));
    this.setPeersLater();
  }

  #applied(batch: AppliedBatch, entries: readonly Entry[]): void {
    if (batch.replaced) {
      this.#options.log.info({ index: batch.appliedIndex }, 'a loaded database is in use');
      this.#options.keeper.loaded();
    }
    this.#schemaIndex = batch.schemaIndex;
    this.#parts.consensus.raft.applied(logIndex(batch.appliedIndex));
    this.#parts.trimmer.applied(entries);
    this.#maybeReady();
    // Fronts learn the new state before the outcomes: who reads next sees its own write.
    this.#fronts?.push(this.view());
    this.#parts.proposals.applied(entries, batch.outcomes);
    this.#parts.transactions.applied();
    this.#parts.driver.drain();
  }

  #maybeReady(): void {
    const { feed, consensus } = this.#parts;
    // An empty database belongs to nobody yet: the first entry says who the members are.
    if (this.#parts.own.isRestoring) return;
    if (this.#ready || feed.appliedIndex < Math.max(1, this.#readyIndex)) return;
    if (consensus.raft.softState.leader === undefined) return;
    this.#ready = true;
    this.#onServing();
  }

  #roleChanged({ role, term, leader }: SoftState): void {
    this.#options.log.info({ role, term, leader }, 'role');
    if (role !== 'leader') deposed(this.#parts);
    this.#maybeReady();
    this.#fronts?.push(this.view());
  }

  /** The disk has no room for the log, or has room again; reads go on in between. */
  onDiskFull(full: boolean): void {
    this.#diskFull = full;
    const what = full ? 'the disk is full: writes wait, new ones are refused' : 'the disk has room';
    this.#options.log.warn(what);
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

  /** A peer offers an image. */
  onImage(from: NodeName, image: ImageAnnouncement, incoming: IncomingImage): void {
    this.#parts.images.offered(from, image, incoming);
  }

  /** A peer asks something. */
  onCall(
    from: NodeName,
    method: number,
    payload: Buffer,
    reply: (payload: Uint8Array) => void,
  ): void {
    if (this.#parts.agreement.answer(from, method, payload, reply)) return;
    if (this.#parts.vitals.answer(method, reply)) return;
    if (this.#parts.own.answer(from, method, payload, reply)) return;
    answerPeer(this.#callsContext(), this.#fronts, method, payload, reply);
  }

  #closed(frees: boolean): BackendRefusal | undefined {
    if (this.#stopping) return refused('shutting_down', 'this node is stopping');
    const { level } = this.#parts.disk.state;
    if (this.#diskFull || (level !== 'ample' && !(level === 'low' && frees))) {
      return refused('disk_full', 'the disk of the leader has too little room left');
    }
    if (this.#parts.feed.lagEntries > unappliedEntriesMax) {
      return refused('queue_full', 'the database cannot keep up with the log; try again');
    }
    return this.#parts.own.closed ?? this.#parts.agreement.closed;
  }

  #handOver(): HandOver {
    const { consensus, driver, transport } = this.#parts;
    const { clock } = this.#options.effects;
    return { raft: consensus.raft, driver, transport, self: this.#self, clock };
  }

  #callsContext(): PeerCallsContext {
    const { consensus, transport, members, rounds } = this.#parts;
    return {
      raft: consensus.raft,
      transport,
      members,
      rounds,
      self: this.#options.identity.name,
      apiUrl: `https://${addressText(this.#options.config.http.advertise)}`,
      now: () => this.#options.effects.clock.monotonicMs(),
    };
  }
}
