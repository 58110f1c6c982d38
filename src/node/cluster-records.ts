// The cluster records of the log: the one that is known to be committed and every later one. A
// node goes by the latest in its log for who counts (dissertation 4.1), and goes back when that
// entry is truncated; what shuts somebody out goes by the committed one only, for a removal that
// is truncated must not have cut off the node that truncates it.
import { decodeClusterRecord } from '#command/cluster-record-codec.ts';
import { decodeConfiguration } from '#command/configuration-codec.ts';
import { type ClusterRecord, noClusterRecord } from '#command/member.ts';
import { invariant } from '#invariant.ts';
import type { Entry } from '#raft/entry.ts';
import type { LogIndex } from '#raft/log-index.ts';
import type { Term } from '#raft/term.ts';

/** A record and the entry that brought it. */
export interface PlacedRecord {
  readonly index: LogIndex;
  /** Of that entry; undefined for the record of the database, which is committed. */
  readonly term: Term | undefined;
  readonly record: ClusterRecord;
}

/** Records from the committed one to the latest in the log, oldest first. */
export class ClusterRecords {
  #records: PlacedRecord[];

  /** Begins with what the database holds at its applied index: an encoded record, or nothing. */
  constructor(appliedIndex: LogIndex, encoded: Uint8Array) {
    const record = encoded.length === 0 ? noClusterRecord : decodeClusterRecord(encoded);
    this.#records = [{ index: appliedIndex, term: undefined, record }];
  }

  /** The newest in the log, committed or not. */
  get latest(): PlacedRecord {
    return this.#at(-1);
  }

  /** The newest that is known to be committed. */
  get committed(): PlacedRecord {
    return this.#at(0);
  }

  /** The term of the configuration entry at an index that is not before the committed one. */
  termAt(index: LogIndex): Term | undefined {
    return this.#records.find((placed) => placed.index === index)?.term;
  }

  /** Entries on their way to the log, in order; true when they change the latest record. */
  appended(entries: readonly Entry[]): boolean {
    const [first] = entries;
    if (first === undefined) return false;
    const before = this.latest;
    // Whatever stood from there on was truncated; the committed one never is.
    while (this.latest.index >= first.index && this.#records.length > 1) this.#records.pop();
    for (const entry of entries) if (entry.kind === 'configuration') this.#add(entry);
    return this.latest !== before;
  }

  /** Entries up to `index` are committed; true when that changes the committed record. */
  committedTo(index: LogIndex): boolean {
    const position = this.#records.findLastIndex((placed) => placed.index <= index);
    if (position <= 0) return false;
    this.#records.splice(0, position);
    return true;
  }

  #add({ index, term, data }: Entry): void {
    const { context } = decodeConfiguration(data);
    // An entry that only leaves a joint configuration says nothing of the members.
    const record = context.length === 0 ? this.latest.record : decodeClusterRecord(context);
    this.#records.push({ index, term, record });
  }

  #at(position: number): PlacedRecord {
    const placed = this.#records.at(position);
    invariant(placed !== undefined, 'there is always a cluster record');
    return placed;
  }
}
