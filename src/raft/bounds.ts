// The core's own bounds that are no setting: each with its unit in the name and its reason beside
// it.

/** What an entry costs besides its data, in every count of bytes: index, term, kind, object. */
export const entryOverheadBytes = 64;

/**
 * Messages with a greater term or index are dropped as malformed: an arithmetic that leaves the
 * safe integers would stop the node. At a thousand elections a second 2^52 is reached in 140,000
 * years.
 */
export const messageNumberMax = 2 ** 52;

/** Read-index rounds under way at once: enough that the next need not wait for the wire. */
export const readRoundsInFlightMax = 8;

/** Reads that wait for a round to start or to end; a driver has far fewer requests open. */
export const readsWaitingMax = 100_000;

/** Runs of entries loaded from disk for slow followers, each about `appendBytesMax`. */
export const loadedRunsMax = 4;

/** Alarms kept for one Ready; more of the same add nothing an operator could use. */
export const alarmsMax = 16;
