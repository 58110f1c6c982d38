// Faults of the durable log: what is synced when, and what a recovery believes; see mutations.ts.
import type { Mutation } from './mutation.ts';

/** The faults. */
export const mutationsOfTheLog: readonly Mutation[] = [
  {
    name: 'log: a batch is acknowledged without a sync',
    file: 'log/segmented-log.ts',
    find: '    active.file.syncData();\n',
    replace: '',
  },
  {
    name: 'log: a frame that only the kernel has is not made durable at a start',
    file: 'log/segmented-log.ts',
    find: '      file.write([header, frame.payload], frame.position);\n      file.syncData();\n',
    replace: '      invariant(header.length > 0, "there is a header");\n',
  },
  {
    name: 'log: the name of a new segment is not synced',
    file: 'log/segmented-log.ts',
    find: '    files.rename(spare, join(folder, segmentNameOf(number)));\n    files.syncFolder(folder);\n',
    replace: '    files.rename(spare, join(folder, segmentNameOf(number)));\n',
  },
  {
    name: 'log: the first page of a segment is not synced',
    file: 'log/segmented-log.ts',
    find: '      refuseWhenFull(() => file.write([page], 0));\n      file.syncData();\n',
    replace: '      refuseWhenFull(() => file.write([page], 0));\n',
  },
  {
    name: 'log: the vote is not in the first page of a segment',
    file: 'log/segmented-log.ts',
    find: '      hardState,\n      previousIndex: terms.lastIndex,\n',
    replace:
      '      hardState: { ...hardState, votedFor: undefined },\n      previousIndex: terms.lastIndex,\n',
  },
  {
    name: 'log: after a failed sync the next is tried',
    file: 'log/segmented-log.ts',
    find: "      if (!(error instanceof CodedError && error.code === 'disk_full')) this.#failed = true;\n",
    replace: '',
  },
  {
    name: 'log: several segments are removed with one sync',
    file: 'log/segmented-log.ts',
    find: '      files.syncFolder(folder);\n      this.#segments.removeOldest();\n',
    replace: '      this.#segments.removeOldest();\n',
  },
  {
    name: 'log: frames of an earlier life of the file count',
    file: 'log/frame.ts',
    find: '=> crc32(salt);',
    replace: '=> crc32(salt.subarray(0, 0));',
  },
  {
    name: 'log: the payload of a frame is not checked',
    file: 'log/frame.ts',
    find: '  payload.length === header.payloadBytes && crc32(payload, crcSeed) === header.payloadCrc;',
    replace: '  payload.length === header.payloadBytes && crcSeed >= 0;',
  },
  {
    name: 'log: a segment is removed before all of it is trimmed',
    file: 'log/segment-list.ts',
    find: 'return oldest.endIndex <= index ? oldest : undefined;',
    replace: 'return oldest.endIndex <= index + 2 ? oldest : undefined;',
  },
  {
    name: 'log: truncated entries are read',
    file: 'log/read-entries.ts',
    find: '    if (entry.term !== this.#state.terms.termOf(entry.index)) return;\n',
    replace: '',
  },
  {
    name: 'log: a hole is taken for the end of the log',
    file: 'log/recover-log.ts',
    find: '      if (later !== undefined) {',
    replace: '      if (later === -1) {',
  },
  {
    name: 'log: the entries before an adopted image stay',
    file: 'log/log-state.ts',
    find: "      case 'snapshot':\n        this.terms.reset(record.index, record.term);\n",
    replace: "      case 'snapshot':\n",
  },
  {
    name: 'log: a committed entry may be truncated',
    file: 'log/log-state.ts',
    find: '    if (from <= this.#hardState.commitIndex) {',
    replace: '    if (from < 0) {',
  },
  {
    name: 'log: a batch is reported when the one before it is durable',
    file: 'log/log-client.ts',
    find: '    for (const { sequence } of batch) this.#events',
    replace: '    for (const { sequence } of [...batch, ...this.#sent]) this.#events',
  },
  {
    name: 'log: a read forgets what waits for the disk',
    file: 'log/log-client.ts',
    find: 'const appends = [...this.#sent, ...this.#waiting].map',
    replace: 'const appends = [...this.#sent].map',
  },
];
