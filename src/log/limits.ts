// The log's own bounds, each with its unit in the name and its reason beside it.

const kib = 1024;
const mib = 1024 * kib;

/** Appends are joined to one batch up to here: more would make the first of them wait too long. */
export const batchBytesMax = 4 * mib;

/**
 * The log remembers one position per this many bytes of a segment: 16 thousand for a GiB of log.
 */
export const positionSpacingBytes = 64 * kib;

/** What an entry counts for besides its data, so that empty ones count for something too. */
export const entryOverheadBytes = 32;

/** What is read of a segment at once, when its frames are not larger. */
export const windowBytes = 1 * mib;

/** Zeros are written in slices of this size, so that an append waits for one slice at most. */
export const zeroSliceBytes = 1 * mib;

/** Segments kept for reuse: one for the next turn, one more when a trim frees several at once. */
export const sparesMax = 2;

/** The spare segment is prepared when the active one is filled to this share. */
export const spareWantedAtShare = 0.5;

/** How long the log waits on a full disk before it tries the same batch again, milliseconds. */
export const fullDiskRetryMs = 1000;
