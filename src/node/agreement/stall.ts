// A committed entry that is not applied for seconds: nobody kills it, for every node has to apply
// it and the next writer would meet it again. The node says so, is not ready, and goes on to log
// and to vote. A leader takes no proposals meanwhile, and gives its office to a node that got past
// it, if there is one. A follower compares the entry with the leader's: where an operator has
// replaced it on a majority (`stockade recover --neutralize`), this node's log is the one that is
// wrong.
import { isNodeName } from '#identity/node-name.ts';
import type { DurableLog } from '#log/durable-log.ts';
import type { Alarms } from '#node/alarms.ts';
import type { ApplyFeed } from '#node/apply-feed.ts';
import { entryDigest } from '#node/recovery/entry-digest.ts';
import { type LogIndex, logIndex } from '#raft/log-index.ts';
import type { Transport } from '#transport/transport.ts';
import { answerMsMax, digestEntriesMax, stallMs } from './bounds.ts';
import { askForDigests, askPeer, type EntryDigest } from './calls.ts';
import type { Quarantine } from './quarantine.ts';

/** What it needs of the node. */
export interface StallOptions {
  readonly feed: Pick<ApplyFeed, 'stalledMs' | 'stuckAt'>;
  readonly log: Pick<DurableLog, 'read'>;
  readonly transport: Pick<Transport, 'call'>;
  readonly quarantine: Quarantine;
  readonly alarms: Alarms;
}

const digestBytesMax = 1024 * 1024;

/** Digests of entries that a log holds, as far as one read goes. */
export const digestsOf = async (
  log: Pick<DurableLog, 'read'>,
  from: number,
  through: number,
): Promise<readonly EntryDigest[]> => {
  const entries = await log.read(logIndex(from), digestBytesMax);
  return entries
    .filter(({ index }) => index >= from && index <= through)
    .slice(0, digestEntriesMax)
    .map((entry) => ({ index: entry.index, digest: entryDigest(entry) }));
};

/** See the head of this file. */
export class Stall {
  readonly #options: StallOptions;
  #comparing = false;

  constructor(options: StallOptions) {
    this.#options = options;
  }

  /** Whether an entry is not applied for longer than any should take. */
  get isStalled(): boolean {
    return this.#options.feed.stalledMs >= stallMs;
  }

  /** The last entry of those that are stuck; undefined: none is. */
  get stuckThrough(): LogIndex | undefined {
    return this.isStalled ? this.#options.feed.stuckAt?.through : undefined;
  }

  /** Raises the alarm or takes it back; compares with the leader, if another node is. */
  look(leader: string | undefined): void {
    const { alarms, feed } = this.#options;
    const stuck = this.isStalled ? feed.stuckAt : undefined;
    if (stuck === undefined) {
      alarms.clear('apply_stalled');
      return;
    }
    const { from, through, suspects } = stuck;
    const [first, ...more] = suspects;
    const which =
      first === undefined || more.length > 0
        ? `one of the entries ${first ?? from} to ${more.at(-1) ?? through}`
        : `entry ${first}`;
    alarms.raise(
      'apply_stalled',
      `${which} is committed and is not applied: this node votes and logs, and serves no more until it is; if it never ends, see "An entry that never ends" in docs/DISASTERS.md`,
    );
    if (leader !== undefined && isNodeName(leader)) void this.#compare(leader, from, through);
  }

  async #compare(leader: string, from: number, through: number): Promise<void> {
    if (this.#comparing || !isNodeName(leader)) return;
    const { log, transport, quarantine } = this.#options;
    if (quarantine.mark !== undefined) return;
    this.#comparing = true;
    const [theirs, ours] = await Promise.all([
      askPeer(transport, leader, askForDigests, { from, through }, answerMsMax),
      digestsOf(log, from, through),
    ]);
    this.#comparing = false;
    const digests = new Map(theirs?.entries.map(({ index, digest }) => [index, digest]));
    const other = ours.find(({ index, digest }) => (digests.get(index) ?? digest) !== digest);
    if (other !== undefined && this.isStalled) {
      quarantine.begin(`entry ${other.index} of its log is not the one of the leader`, other.index);
    }
  }
}
