// What a node counts of consensus: elections, syncs of the log, and how long a write waits for a
// majority. Told of what happens anyway; it keeps one number for each batch that is under way.
import type { Sample } from '#http/metrics/exposition.ts';
import { Histogram } from '#http/metrics/histogram.ts';
import type { Entry } from '#raft/entry.ts';
import type { LogIndex } from '#raft/log-index.ts';
import type { Role, SoftState } from '#raft/ready.ts';

/** Batches whose commit is waited for; beyond it the newest are not timed. */
const timedMax = 1024;

interface Timed {
  readonly lastIndex: LogIndex;
  readonly atMs: number;
}

/** See the head of this file. */
export class RaftNumbers {
  readonly #nowMs: () => number;
  readonly #syncs = new Histogram();
  readonly #commits = new Histogram();
  #timed: Timed[] = [];
  #role: Role = 'follower';
  #leader: string | undefined;
  #campaigns = 0;
  #won = 0;
  #leaderChanges = 0;
  #lastSyncSeconds = 0;

  /** @param nowMs a monotonic clock, milliseconds */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The log took so long to sync a batch. */
  synced(microseconds: number): void {
    this.#lastSyncSeconds = microseconds / 1e6;
    this.#syncs.observe(this.#lastSyncSeconds);
  }

  /** Role, term or leader changed. */
  roleChanged({ role, leader }: SoftState): void {
    if (role === 'leader' && this.#role !== 'leader') this.#won += 1;
    const asks = role === 'candidate' || role === 'pre-candidate';
    // A candidate whose rehearsal went well is in the same campaign.
    if (asks && this.#role !== 'candidate' && this.#role !== 'pre-candidate') this.#campaigns += 1;
    if (leader !== undefined && leader !== this.#leader) {
      this.#leaderChanges += 1;
      this.#leader = leader;
    }
    if (role !== 'leader') this.#timed = [];
    this.#role = role;
  }

  /** Entries are on their way to this node's disk. */
  appended(entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (this.#role !== 'leader' || last === undefined || this.#timed.length >= timedMax) return;
    this.#timed.push({ lastIndex: last.index, atMs: this.#nowMs() });
  }

  /** Everything up to `index` is committed. */
  committed(index: LogIndex): void {
    while (this.#timed[0] !== undefined && this.#timed[0].lastIndex <= index) {
      const timed = this.#timed.shift();
      if (timed !== undefined) this.#commits.observe((this.#nowMs() - timed.atMs) / 1000);
    }
  }

  /** The numbers now. */
  samples(): readonly Sample[] {
    const counted = {
      stockade_raft_campaigns_total: this.#campaigns,
      stockade_raft_elections_won_total: this.#won,
      stockade_raft_leader_changes_total: this.#leaderChanges,
      stockade_log_last_sync_seconds: this.#lastSyncSeconds,
    };
    return [
      ...Object.entries(counted).map(([name, value]) => ({ name, labels: {}, value })),
      ...this.#syncs.samples('stockade_log_sync_duration_seconds'),
      ...this.#commits.samples('stockade_raft_commit_duration_seconds'),
    ];
  }
}
