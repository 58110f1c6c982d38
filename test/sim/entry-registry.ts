// One object for every entry of a run. What is read back from a log is bytes of its own; the checks
// compare entries as objects, which is quick, so whatever comes from a disk is looked up here.
// Bytes that differ from what was written are never taken for the entry.
import type { Entry } from '#raft/entry.ts';

/** The entries of a run by index and term. */
export class EntryRegistry {
  readonly #entries = new Map<string, Entry>();

  /** The entry as it was first seen; itself when it is new, or not what was seen before. */
  canonical(entry: Entry): Entry {
    const key = `${entry.index}/${entry.term}`;
    const known = this.#entries.get(key);
    if (known === entry) return entry;
    if (known === undefined) {
      this.#entries.set(key, entry);
      return entry;
    }
    const isSame = known.kind === entry.kind && Buffer.compare(known.data, entry.data) === 0;
    return isSame ? known : entry;
  }
}
