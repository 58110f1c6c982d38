// What the front needs from the rest of the node, declared here and implemented by the composition
// root. Calls on the path of a request take callbacks, not promises: they are answered in batches.
import type { AuthReload } from '#auth/auth-reload.ts';
import type { ForwardKind, ForwardReply, ForwardRequest } from '#command/forward.ts';
import type { Applied, ErrorCode } from '#errors.ts';
import type { BackendChanges, ChangesReply } from './changes/backend-changes.ts';
import type { Sample } from './metrics/exposition.ts';

/**
 * What this node knows of itself and the cluster right now; pushed with every batch and every 20
 * ms.
 */
export interface NodeView {
  readonly name: string;
  readonly role: 'leader' | 'follower' | 'candidate';
  readonly voter: boolean;
  readonly term: number;
  readonly leader: LeaderView | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly schemaIndex: number;
  /** Milliseconds since the leader was last heard, when this was said; 0 on the leader. */
  readonly leaderContactMs: number;
  /** The database is open and everything committed before the start is applied. */
  readonly ready: boolean;
  /** The data here is not that of the others: nobody reads it. */
  readonly quarantined: boolean;
}

/** How the leader is reached. */
export interface LeaderView {
  readonly name: string;
  readonly apiUrl: string;
  /** host:port of its peer port. */
  readonly peerAddress: string;
}

/** Why something was not done; becomes a coded error. */
export interface BackendRefusal {
  readonly kind: 'refused';
  readonly code: ErrorCode;
  readonly message: string;
  readonly applied: Applied;
}

/** What a proposal became: an encoded Outcome, or a refusal. */
export type ProposeReply =
  | { readonly kind: 'outcome'; readonly index: number; readonly outcome: Buffer }
  | BackendRefusal;

/** From which applied index on a read is allowed. */
export type ReadIndexReply = { readonly kind: 'index'; readonly index: number } | BackendRefusal;

/** What the guard said; `bytes` is an encoded reply of the reader. */
export interface BackendVerdicts {
  readonly kind: 'verdicts';
  readonly schemaIndex: number;
  readonly verdicts: readonly BackendVerdict[];
}

/** What a statement may cost: nothing to speak of, a while, or there is no bound. */
export type BackendCost = 'small' | 'large' | 'unbounded';

/** One text's verdict, as the guard gives it. */
export type BackendVerdict =
  | {
      readonly kind: 'allowed';
      readonly access: 'read' | 'write' | 'schema';
      readonly returnsRows: boolean;
      readonly parameters: number;
      readonly reads: readonly string[];
      readonly writes: readonly string[];
      /** Of running it on every node; a read by itself has a deadline instead. */
      readonly cost: BackendCost;
      /** Bytes that a byte of its parameters may become: long ones make a small write large. */
      readonly copies: number;
      /** It only makes room: a disk that is nearly full still takes it. */
      readonly frees: boolean;
      /** A write that takes some rows by LIMIT without an order that fixes which. */
      readonly unordered: boolean;
      /** The text that was judged, where that is not the one that was sent; it is proposed. */
      readonly instead?: string;
    }
  /**
   * It cannot be prepared. It was not judged, so only `instead`, which fails alike, may be
   * proposed.
   */
  | { readonly kind: 'error'; readonly message: string; readonly instead: string }
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly reason: string;
      readonly hint: string;
    };

/** A write to put into the log. */
export interface BackendProposal {
  /** An encoded Command. */
  readonly command: Uint8Array;
  /** `renderBits`. */
  readonly render: number;
  /** The command's own, told apart because the node does not look into the command. */
  readonly schemaIndex: number;
  readonly changesSchema: boolean;
  /** It may take long on every node: it is tried out first and refused when it does. */
  readonly rehearse: boolean;
  /** It only makes room and its user is trusted with that: a nearly full disk takes it. */
  readonly frees: boolean;
  readonly deadlineMs: number;
}

/** A step of an interactive transaction, for the node that leads. */
export type BackendTransaction = {
  readonly user: string;
  readonly requestId: string;
  readonly deadlineMs: number;
} & (
  | { readonly kind: 'open' }
  | {
      readonly kind: 'run';
      readonly id: string;
      /** An encoded Command: the statements of this step, judged. */
      readonly command: Uint8Array;
      /** `renderBits`. */
      readonly render: number;
    }
  | {
      readonly kind: 'commit';
      readonly id: string;
      /** The client's Idempotency-Key; '': none. */
      readonly key: string;
    }
  | { readonly kind: 'rollback'; readonly id: string }
);

/** What became of it. */
export type TransactionReply =
  | { readonly kind: 'opened'; readonly id: string }
  /** Elements of `results`. */
  | { readonly kind: 'ran'; readonly json: Buffer }
  /** By the entry of this index, now or when it was committed first. */
  | { readonly kind: 'committed'; readonly index: number }
  | { readonly kind: 'rolled-back' }
  /** The statements were judged under another schema than this one; nothing was run. */
  | { readonly kind: 'schema-changed'; readonly schemaIndex: number }
  | BackendRefusal;

/** A request for data that is under way at a node. */
export interface RunningQuery {
  /** Its request id, the same at every node that works for it. */
  readonly id: string;
  readonly user: string;
  /** The client's. */
  readonly address: string;
  readonly kind: ForwardKind;
  /**
   * `rehearsing`: a long write is tried out, or waits for that. `proposed`: it is in the log, or
   * waits for a change of the schema. `forwarded`: the leader has it.
   */
  readonly state: 'waiting' | 'judging' | 'reading' | 'rehearsing' | 'proposed' | 'forwarded';
  /** Its first text, cut, without the values in it. */
  readonly text: string;
  readonly statements: number;
  /** Since it began. */
  readonly ms: number;
}

/** Texts for the guard, in the order in which they would run. */
export interface BackendJudge {
  readonly user: string;
  readonly requestId: string;
  readonly texts: readonly string[];
  /**
   * Statements without a bound on their cost pass: the user may write them (permission `heavy`), or
   * they will only run in a reader, which is killed when its deadline passes.
   */
  readonly unbounded: boolean;
  readonly deadlineMs: number;
}

/** A read to run in one snapshot; statements are encoded as a Command. */
export interface BackendRead {
  readonly user: string;
  readonly requestId: string;
  readonly command: Uint8Array;
  readonly render: number;
  readonly rowsMax: number;
  readonly bytesMax: number;
  readonly deadlineMs: number;
}

/** Rows as JSON: the elements of `results` without the brackets. */
export type ReadReply =
  | {
      readonly kind: 'rows';
      readonly json: Buffer;
      readonly error: string;
      /** The schema of the snapshot that was read. */
      readonly schemaIndex: number;
      readonly microseconds: number;
    }
  | BackendRefusal;

/** What the leader answered to a forwarded request, or why it did not. */
export type ForwardedReply = ({ readonly kind: 'reply' } & ForwardReply) | BackendRefusal;

/** One node as `/nodes` shows it. */
export interface ClusterNode {
  readonly name: string;
  readonly apiUrl: string;
  readonly peerAddress: string;
  readonly version: string;
  readonly voter: boolean;
  readonly reachable: boolean;
  readonly leader: boolean;
  /** Seconds the probe took. */
  readonly seconds: number;
  readonly error: string;
}

/** What a node counts, for `/metrics`. */
export interface NodeNumbers {
  readonly proposalsInFlight: number;
  /** Names of what is wrong at the moment. */
  readonly alarms: readonly string[];
  /** What the node and its writer count besides: consensus, log, database, disk, processes. */
  readonly samples: readonly Sample[];
  /** Processes that ended unasked and were replaced, by kind. */
  readonly restarts: { readonly writer: number; readonly front: number };
  /** What each running front counts. */
  readonly fronts: readonly (readonly Sample[])[];
}

/** Whether an act of administration was done (or, a hand-over without waiting, begun). */
export type DoneReply = { readonly kind: 'done' } | BackendRefusal;

/** What tidying up a node's disk came to. */
export type ReapReply =
  | {
      readonly kind: 'reaped';
      /** Databases that had been replaced, and were still there. */
      readonly generations: number;
      /** WALs that held something that was not in the database file, and now is. */
      readonly checkpoints: number;
    }
  | BackendRefusal;
/** Which backup. */
export interface BackendBackup {
  /** A database file or SQL text. */
  readonly format: 'file' | 'sql';
  /** Of a file: without free pages. */
  readonly vacuum: boolean;
  /** Of SQL: only these tables; none: all. */
  readonly tables: readonly string[];
  /** As a gzip file. */
  readonly compress: boolean;
}

/** Bytes, made as they are taken. What goes wrong on the way is an error, never an end. */
export interface ByteSource {
  /** Undefined: not known before the end. */
  readonly bytes: number | undefined;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Nobody wants them (any longer); harmless when they were taken to the end. */
  release(): void;
}

/** Statements of SQL text that stand or fall together, or one behind the other. */
export interface LoadSegment {
  readonly transaction: boolean;
  readonly texts: readonly string[];
  /** Places in `texts` of statements that this program made: they need no judge. */
  readonly own: readonly number[];
}

/** SQL text taken apart, or why it cannot be loaded. */
export type SplitReply =
  | { readonly kind: 'segments'; readonly segments: readonly LoadSegment[] }
  | { readonly kind: 'unfit'; readonly reason: string; readonly hint: string }
  | BackendRefusal;

/** A checked database file, ready to be replicated. */
export interface LoadableFile {
  /** 16 random bytes: names this load. */
  readonly id: Uint8Array;
  readonly bytes: number;
  /** SHA-256. */
  readonly digest: Uint8Array;
  /** A piece of it. @throws CodedError `storage_failed` */
  read(position: number, bytes: number): Promise<Uint8Array>;
}

/** A database file on its way in. */
export interface FileToLoad {
  /**
   * The next bytes; resolves when they are written.
   *
   * @throws CodedError `bad_request`, `disk_full`
   */
  write(bytes: Uint8Array): Promise<void>;
  /** All bytes are there. @throws CodedError `bad_request` with what is wrong with them */
  finish(): Promise<LoadableFile>;
  /** Nobody wants it (any longer); harmless when it was done before. */
  release(): void;
}

/** Whether there was something new to make durable. */
export type SnapshotReply = { readonly kind: 'done'; readonly made: boolean } | BackendRefusal;

/** What came of reading the auth file anew. */
export type UsersReply =
  | { readonly kind: 'reloaded'; readonly reload: AuthReload; readonly cutOff: number }
  | { readonly kind: 'kept'; readonly code: ErrorCode; readonly message: string };

/** How replicas compare: JSON, as docs/HTTP.md describes it; or why it is not known. */
export type ReportReply = { readonly kind: 'report'; readonly report: string } | BackendRefusal;

/** The node behind a front. `done` is called exactly once, never before the call returned. */
export interface Backend {
  readonly view: NodeView;
  /** Milliseconds since the leader was last heard, now; 0 on the leader. */
  leaderSilentMs(): number;
  propose(proposal: BackendProposal, done: (reply: ProposeReply) => void): void;
  /** A step of an interactive transaction, at the leader. */
  transact(step: BackendTransaction, done: (reply: TransactionReply) => void): void;
  /** `linearizable`: a quorum confirmed the leader. `strong`: a barrier entry was committed. */
  readIndex(
    kind: 'linearizable' | 'strong',
    deadlineMs: number,
    done: (reply: ReadIndexReply) => void,
  ): void;
  /** Waits until this node's database holds `index`; false when the deadline passed first. */
  whenApplied(index: number, deadlineMs: number, done: (applied: boolean) => void): void;
  judge(request: BackendJudge, done: (reply: BackendVerdicts | BackendRefusal) => void): void;
  read(request: BackendRead, done: (reply: ReadReply) => void): void;
  /** Reads captured changes; refused with `changes_off` where none are. */
  changes(request: BackendChanges, done: (reply: ChangesReply) => void): void;
  forward(request: ForwardRequest, done: (reply: ForwardedReply) => void): void;
  /** Probes every member; `replicas` includes learners. */
  nodes(replicas: boolean, timeoutMs: number): Promise<readonly ClusterNode[]>;
  /**
   * Hands leadership over to a node, empty: to any. With `waitMs` over 0 it waits until another
   * node leads, at most so long.
   */
  /** How replicas compare; `check`: after a check of all content, waited for at most so long. */
  consistency(check: boolean, waitMs: number): Promise<ReportReply>;
  stepDown(to: string, waitMs: number): Promise<DoneReply>;
  /** Removes a member for good; this node takes over the leadership for it, if need be. */
  removeMember(name: string): Promise<DoneReply>;
  /** Removes databases that this node has no use for any more, and writes back its WAL. */
  reap(): Promise<ReapReply>;
  /** Reads the auth file anew, for all fronts of this node. */
  reloadUsers(): Promise<UsersReply>;
  /**
   * Makes a backup of what this node's database holds now.
   *
   * @throws CodedError `queue_full` while as many are made as may be, `disk_full`,
   *   `storage_failed`, `bad_request`
   */
  backup(request: BackendBackup): Promise<ByteSource>;
  /** Takes SQL text that is to be loaded apart. */
  split(
    request: {
      readonly user: string;
      readonly requestId: string;
      readonly text: string;
      readonly deadlineMs: number;
    },
    done: (reply: SplitReply) => void,
  ): void;
  /**
   * Begins to take a database file in.
   *
   * @throws CodedError `queue_full` while another one is taken in, `disk_full`, `storage_failed`
   */
  openLoad(): Promise<FileToLoad>;
  /** Makes what is applied here durable and trims the log; `trailing` 0: to the usual length. */
  snapshot(trailing: number): Promise<SnapshotReply>;
  /** What all fronts of this node have under way. */
  queries(): Promise<readonly RunningQuery[]>;
  /** Ends a request, whichever front of this node has it. */
  kill(id: string): Promise<DoneReply>;
  /** Ends what runs in this front's readers for a request; whether there was something. */
  cancel(requestId: string): boolean;
  /** Readers killed because a read passed its deadline. */
  readonly readersKilled: number;
  /** Readers that run now. */
  readonly readers: number;
  /** The numbers of the node and of all its fronts. */
  numbers(): Promise<NodeNumbers>;
  /** The node's own part of `/status`: an object, keys in order. */
  status(): Promise<Record<string, unknown>>;
}
