// What the loop of a node is opened with, and what is open before it runs.
import type { Worker } from 'node:worker_threads';
import type { Discovery } from '#cluster/discovery/discovery.ts';
import type { MemberRecord } from '#command/member.ts';
import type { PeerMaterial } from '#tls/tls-options.ts';
import type { OwnKnocks } from '#transport/own-knocks.ts';
import type { Transport } from '#transport/transport.ts';
import type { Acquaintances } from './acquaintances.ts';
import type { RestoreAtStart } from './backups/restore/restore-at-start.ts';
import type { NodeConfig } from './config.ts';
import type { Consensus } from './consensus.ts';
import type { Engines } from './engines.ts';
import type { FolderIdentity } from './identity-file.ts';
import type { Logger } from './logger.ts';
import type { Members } from './members.ts';
import type { MembershipChanges } from './membership-changes.ts';
import type { MembershipUpkeep } from './membership-upkeep.ts';
import type { NodeEffects } from './node-effects.ts';
import type { RemovalWord } from './removal-word.ts';
import type { StrangerGate } from './stranger-gate.ts';
import type { WriterKeeper } from './writer-keeper.ts';
import type { OpenWriter } from './writer-process.ts';

/** What the loop is opened with. */
export interface NodeLoopOptions {
  readonly config: NodeConfig;
  readonly effects: NodeEffects;
  readonly log: Logger;
  readonly identity: FolderIdentity;
  readonly material: () => PeerMaterial;
  readonly bootstrap: readonly MemberRecord[] | undefined;
  /** The log's thread, which waits for its first word. */
  readonly logThread: Worker;
  readonly keeper: WriterKeeper;
  /** What the first writer found in the database. */
  readonly database: OpenWriter;
  /** Where other nodes may be. */
  readonly discovery: Discovery;
  /** Refusals of these are told in one line, by whoever knocks. */
  readonly knocks: OwnKnocks;
  /** What the cluster is to begin with; undefined: with nothing, or it is there. */
  readonly restore: RestoreAtStart | undefined;
  readonly onFatal: (error: Error) => void;
}

/** What is open before the loop runs. */
export interface Opened {
  readonly consensus: Consensus;
  readonly transport: Transport;
  readonly engines: Engines;
  readonly members: Members;
  readonly membership: MembershipChanges;
  readonly upkeep: MembershipUpkeep;
  readonly removal: RemovalWord;
  readonly acquaintances: Acquaintances;
  /** Whether messages of a peer are handed to the core. */
  readonly gate: StrangerGate;
}
