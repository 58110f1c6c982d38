// Replicas that prove they agree: what each did is compared in the answers to heartbeats, what each
// holds now and then and when somebody asks; who differs stops serving. Joins the parts of this
// folder to the node. Decides nothing that needs a quorum to be safe: the worst it does is to serve
// no reads, to hand leadership over, and to take the leader's data.
import { Buffer } from 'node:buffer';
import type { AppliedBatch } from '#db/writer.ts';
import type { BackendRefusal, ReportReply } from '#http/backend.ts';
import { isNodeName, type NodeName } from '#identity/node-name.ts';
import { Alarms } from '#node/alarms.ts';
import type { ApplyFeed } from '#node/apply-feed.ts';
import type { Consensus } from '#node/consensus.ts';
import type { Logger } from '#node/logger.ts';
import type { Members } from '#node/members.ts';
import type { NodeEffects } from '#node/node-effects.ts';
import { refused } from '#node/proposals.ts';
import { votingNames } from '#node/voting-names.ts';
import type { Entry } from '#raft/entry.ts';
import type { LogIndex } from '#raft/log-index.ts';
import type { Message } from '#raft/message.ts';
import { nodeId } from '#raft/node-id.ts';
import type { Transport } from '#transport/transport.ts';
import { answerMsMax, digestEntriesMax, hashMsMax, lookEveryMs } from './bounds.ts';
import {
  answerCall,
  askForDigests,
  askForImage,
  askForReport,
  askPeer,
  collectCheck,
  orderQuarantine,
  prepareCheck,
} from './calls.ts';
import { Comparison } from './comparison.ts';
import { type CheckReport, checkContent } from './content-check.ts';
import { ContentHasher } from './content-hasher.ts';
import { decodeNote, encodeNote } from './note-codec.ts';
import { Policy } from './policy.ts';
import { Quarantine } from './quarantine.ts';
import { reportText } from './report.ts';
import { digestsOf, Stall } from './stall.ts';

/** What it needs of the node. */
export interface AgreementOptions {
  readonly self: NodeName;
  readonly folder: string;
  /** Hours between content checks, 0: none but those that are asked for. */
  readonly checkHours: number;
  readonly consensus: Consensus;
  readonly transport: Transport;
  readonly members: Members;
  readonly feed: () => ApplyFeed;
  readonly log: Logger;
  readonly effects: NodeEffects;
  /** Sends an image of this node's data, whatever the log says. */
  readonly sendImage: (to: NodeName) => void;
  /** Works off what the core has to say. */
  readonly drain: () => void;
  /** Whether the node is to be shown as ready may have changed. */
  readonly changed: () => void;
}

/** How far a replica is, and what it did. */
export interface AppliedOutcomes {
  readonly index: number;
  /** The outcome chain, hexadecimal. */
  readonly chain: string;
}

const hourMs = 3_600_000;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Whether the weekly check is due; 0 hours: never. */
export const checkIsDue = (checkedMs: number, nowMs: number, hours: number): boolean =>
  hours > 0 && nowMs - checkedMs >= hours * hourMs;

/** See the head of this file. */
export class Agreement {
  readonly alarms: Alarms;
  readonly quarantine: Quarantine;
  readonly #options: AgreementOptions;
  readonly #comparison = new Comparison();
  readonly #hasher: ContentHasher;
  readonly #policy: Policy;
  readonly #stall: Stall;
  readonly #timer: NodeJS.Timeout;
  #term = -1;
  #isUnfit = false;
  #content: CheckReport | undefined;
  #contentError = '';
  #checking: Promise<void> | undefined;

  constructor(options: AgreementOptions) {
    this.#options = options;
    const { self, folder, consensus, transport, effects, drain, log } = options;
    const { raft } = consensus;
    const wallMs = (): number => effects.clock.wallMs();
    this.alarms = new Alarms(log, wallMs);
    const { alarms } = this;
    this.quarantine = new Quarantine({ folder, ...effects, wallMs, alarms });
    const { quarantine } = this;
    this.#hasher = new ContentHasher(folder);
    const comparison = this.#comparison;
    this.#policy = new Policy({ self, raft, transport, comparison, quarantine, alarms, drain });
    const feed = {
      get stalledMs() {
        return options.feed().stalledMs;
      },
      get stuckAt() {
        return options.feed().stuckAt;
      },
    };
    this.#stall = new Stall({ feed, log: consensus.log, transport, quarantine, alarms });
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
  }

  /** Whether what is here may be read and what is asked for be proposed. */
  get isFit(): boolean {
    return this.quarantine.mark === undefined && !this.#stall.isStalled;
  }

  /** Why no proposal is taken; undefined: for all this folder knows, they are. */
  get closed(): BackendRefusal | undefined {
    if (this.quarantine.mark !== undefined) {
      return refused('not_ready', 'the data of this node is not that of the others; try again');
    }
    if (this.#stall.isStalled) {
      return refused('not_ready', 'the database does not finish an earlier write; try again later');
    }
    return undefined;
  }

  /** How far this replica is, and what it did. */
  get outcomes(): AppliedOutcomes {
    return this.#comparison.own.last ?? { index: 0, chain: '' };
  }

  /** A writer is there; the database may be another one. */
  started(index: number, chain: string): void {
    this.#comparison.own.forget();
    this.#comparison.own.add({ index, chain });
    this.quarantine.replaced();
    // Its entry may have come with the image, or before the writer died: apply will not pause
    // there.
    this.#hasher.close();
  }

  /** Entries were applied. */
  applied({ appliedIndex, outcomeChain, marks }: AppliedBatch): void {
    const { own } = this.#comparison;
    for (const { index, chain } of marks) own.add({ index, chain: hex(chain) });
    own.add({ index: appliedIndex, chain: hex(outcomeChain) });
  }

  /** An image takes the place of the database. */
  imageTaken(): void {
    this.quarantine.imageTaken();
  }

  /** Whether apply pauses behind this entry: it is the one of a content check. */
  pausesBehind({ kind, data }: Entry): boolean {
    return kind === 'barrier' && this.#hasher.isAwaited(data);
  }

  /** The database stands at the entry of a content check. */
  paused(index: LogIndex, resume: () => void): void {
    this.#hasher.begin(index, resume);
  }

  /** Sends messages; every answer to a heartbeat says how this replica stands. */
  send(messages: readonly Message[]): void {
    this.#options.transport.send(messages.map((message) => this.#withNote(message)));
  }

  /** Messages of peers, as they are handed to the core. */
  heard(messages: readonly Message[]): void {
    const { softState } = this.#options.consensus.raft;
    if (softState.role !== 'leader') return;
    for (const message of messages) {
      if (message.kind !== 'heartbeat-reply' || message.note === undefined) continue;
      const note = message.term === softState.term ? decodeNote(message.note) : undefined;
      if (note !== undefined) this.#comparison.hear(message.from, note);
    }
  }

  /** A peer's call; false when it is not one of agreement's. */
  answer(
    from: NodeName,
    method: number,
    payload: Buffer,
    reply: (payload: Uint8Array) => void,
  ): boolean {
    const { consensus } = this.#options;
    const { softState } = consensus.raft;
    const leads = softState.role === 'leader';
    const isFromLeader = softState.leader === nodeId(from);
    const done = (isDone: boolean) => Promise.resolve({ done: isDone });
    return (
      answerCall(prepareCheck, method, payload, reply, async ({ id }) => ({
        done: isFromLeader && (await this.#hasher.prepare(id)),
      })) ||
      answerCall(collectCheck, method, payload, reply, ({ id }) => this.#collected(id)) ||
      answerCall(orderQuarantine, method, payload, reply, ({ reason, index }) => {
        if (isFromLeader) this.#begin(reason, index);
        return done(isFromLeader);
      }) ||
      answerCall(askForImage, method, payload, reply, () => {
        const gives = leads && this.isFit;
        if (gives) this.#options.sendImage(from);
        return done(gives);
      }) ||
      answerCall(askForReport, method, payload, reply, async ({ check, waitMs }) => ({
        report: leads ? await this.#ownReport(check, waitMs) : '',
      })) ||
      answerCall(askForDigests, method, payload, reply, async ({ from: first, through }) => ({
        entries:
          leads && through - first < digestEntriesMax
            ? await digestsOf(consensus.log, first, through)
            : [],
      }))
    );
  }

  /** The report of `/consistency`; `check`: of a new content check, waited for so long. */
  async report(check: boolean, waitMs: number): Promise<ReportReply> {
    const { consensus, transport } = this.#options;
    const { role, leader } = consensus.raft.softState;
    if (role === 'leader') {
      return { kind: 'report', report: await this.#ownReport(check, waitMs) };
    }
    if (leader === undefined || !isNodeName(leader)) {
      return refused('no_leader', 'no node leads at the moment');
    }
    const deadlineMs = waitMs + answerMsMax;
    const answer = await askPeer(transport, leader, askForReport, { check, waitMs }, deadlineMs);
    if (answer === undefined || answer.report === '') {
      return refused('unreachable', `the leader ${leader} did not answer`);
    }
    return { kind: 'report', report: answer.report };
  }

  /** Gives up what is under way. */
  stop(): void {
    clearInterval(this.#timer);
    this.#hasher.close();
  }

  #withNote(message: Message): Message {
    if (message.kind !== 'heartbeat-reply') return message;
    const { own } = this.#comparison;
    const note = encodeNote({
      appliedIndex: own.last?.index ?? 0,
      marks: own.told,
      quarantined: this.quarantine.mark !== undefined,
    });
    return { ...message, note };
  }

  #begin(reason: string, index: number): void {
    this.quarantine.begin(reason, index);
    this.#options.changed();
  }

  async #collected(id: string) {
    const part = await this.#hasher.collect(id);
    if (part.content !== undefined) this.quarantine.checked();
    return part;
  }

  /** Once a second. */
  #look(): void {
    const { consensus, effects } = this.#options;
    const { role, term, leader } = consensus.raft.softState;
    if (term !== this.#term) this.#comparison.forgetOthers();
    this.#term = term;
    const leads = role === 'leader';
    this.#stall.look(leads ? undefined : leader);
    if (leads) this.#lookAsLeader();
    else {
      this.#policy.rest();
      this.#content = undefined;
      if (leader !== undefined && isNodeName(leader)) {
        if (this.quarantine.shouldAsk(effects.clock.monotonicMs(), this.outcomes.index)) {
          void askPeer(this.#options.transport, leader, askForImage, {}, answerMsMax);
        }
      }
    }
    if (this.isFit !== this.#isUnfit) return;
    this.#isUnfit = !this.isFit;
    this.#options.changed();
  }

  #lookAsLeader(): void {
    const { consensus, self } = this.#options;
    const { stuckThrough } = this.#stall;
    const { all, voters } = this.#names();
    if (this.quarantine.mark !== undefined) {
      this.#policy.handOver(voters);
    } else if (stuckThrough !== undefined) {
      const past = (name: string) => this.#comparison.appliedIndexOf(name) >= stuckThrough;
      this.#policy.handOver(voters.filter(past));
    } else {
      const verdict = this.#comparison.verdict(self, voters, all);
      this.#policy.look(verdict, consensus.raft.commitIndex);
      this.#maybeCheck();
    }
  }

  #names(): { readonly all: readonly string[]; readonly voters: readonly string[] } {
    const { consensus, members } = this.#options;
    const all = members.all.map(({ name }) => name);
    return { all, voters: [...votingNames(consensus.raft.membership)] };
  }

  #maybeCheck(): void {
    const { checkHours, effects } = this.#options;
    // Never yet: the first one comes when the cluster is as old as that.
    if (this.quarantine.checkedMs === 0) this.quarantine.checked();
    if (checkIsDue(this.quarantine.checkedMs, effects.clock.wallMs(), checkHours)) {
      this.quarantine.checked();
      void this.#check();
    }
  }

  /** One at a time; who asks meanwhile waits for the one that runs. */
  #check(): Promise<void> {
    this.#checking ??= this.#runCheck().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #runCheck(): Promise<void> {
    const { self, consensus, transport, effects, drain, log } = this.#options;
    const { raft } = consensus;
    const { term } = raft.softState;
    const end = await checkContent({
      ...{ self, raft, transport, drain, random: effects.random, hasher: this.#hasher },
      members: () => this.#names(),
      wallMs: () => effects.clock.wallMs(),
    });
    this.#contentError = end.kind === 'failed' ? end.reason : '';
    if (end.kind === 'failed') {
      log.warn({ reason: end.reason }, 'a content check was not finished');
      return;
    }
    const { index, tookMs, verdict } = end.report;
    log.info({ index, tookMs, verdict: verdict.kind }, 'a content check ended');
    this.quarantine.checked();
    this.#content = end.report;
    if (raft.softState.term === term) this.#policy.act('content', verdict, index);
  }

  async #ownReport(check: boolean, waitMs: number): Promise<string> {
    const { self, consensus } = this.#options;
    if (check) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, Math.min(waitMs, hashMsMax));
      });
      await Promise.race([this.#check(), late]);
      clearTimeout(timer);
    }
    const { all, voters } = this.#names();
    return reportText({
      leader: self,
      term: consensus.raft.softState.term,
      outcomes: this.#comparison.verdict(self, voters, all),
      compared: all.map((name) => this.#comparison.describe(self, name)),
      content: this.#content,
      contentError: this.#contentError,
      running: this.#checking !== undefined,
    });
  }
}
