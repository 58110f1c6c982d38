// Where peers.json lies. A file of its own: a node that has none (all but a few, once) starts
// without loading the engine that a recovery opens the database with.
import { join } from 'node:path';

/** In this data folder; see peers-file.ts. */
export const peersFilePath = (dataFolder: string): string => join(dataFolder, 'raft', 'peers.json');
