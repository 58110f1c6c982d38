// Deliberate faults of the core, the log and the order of messages between nodes, each a small
// change of one file. Every one must be caught by a test of its folder, by the golden data or by
// the simulator; mutations-main.ts tries them and keeps the table in MUTATIONS.md. `find` must
// occur exactly once in its file, so the list cannot go stale.
import type { Mutation } from './mutation.ts';
import { mutationsOfElections } from './mutations-of-elections.ts';
import { mutationsOfReplication } from './mutations-of-replication.ts';
import { mutationsOfTheLog } from './mutations-of-the-log.ts';
import { mutationsOfTheTransport } from './mutations-of-the-transport.ts';

/** All of them. */
export const mutations: readonly Mutation[] = [
  ...mutationsOfElections,
  ...mutationsOfReplication,
  ...mutationsOfTheLog,
  ...mutationsOfTheTransport,
];
