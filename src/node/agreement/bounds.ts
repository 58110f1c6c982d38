// Bounds of comparing replicas, each with its reason.

/** How often the leader looks at what it heard, and a node at itself. */
export const lookEveryMs = 1000;

/**
 * A difference counts when so many looks in a row saw the same: chains that differ stay different,
 * so waiting costs nothing, and a note that was overtaken by an image is gone by then.
 */
export const looksUntilBelieved = 3;

/** Looks after which a leader that differs stops serving even if nobody took its office over. */
export const looksUntilLeaderStops = 10;

/**
 * Chains at every 256th entry that are kept of each node: 16,384 entries of lag can be compared.
 */
export const strideMarksMax = 64;
/**
 * Chains at other indexes that are kept of each node: where replicas stand when nothing happens.
 */
export const endMarksMax = 16;
/** Marks in one note: the newest and three strides; a heartbeat's frame has at most 1 KiB. */
export const noteMarksMax = 4;

/** A node that differs is given another image at most this often: each costs a copy of the data. */
export const reimagePauseMs = 3_600_000;
/** An image that was asked for and did not come is asked for again. */
export const askImageEveryMs = 10_000;

/** An entry that is not applied by then is an alarm; every write that is let through takes less. */
export const stallMs = 5000;
/** Entries whose digests a node that is stuck compares with the leader's: one frame of apply. */
export const digestEntriesMax = 1024;

/** Every node has its reader for a content check ready by then. */
export const prepareMsMax = 10_000;
/** A reader that was prepared for a check that did not come ends. */
export const preparedMsMax = 30_000;
/** Apply never waits longer for the reader's snapshot; one takes about a millisecond. */
export const pauseMsMax = 2000;
/** Hashing: a terabyte at 571 rows a millisecond does not fit, 1 billion rows do. */
export const hashMsMax = 30 * 60_000;
/** Names of tables that a report gives for a node that differs. */
export const tablesToldMax = 100;
/** A peer's answer to a question about agreement. */
export const answerMsMax = 5000;
