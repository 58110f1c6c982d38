// Bounds of change capture, with their reasons.

const mib = 1024 * 1024;

/**
 * Most bytes of rows in the pages that one transaction changed, all in memory at once in the
 * writer; a transaction beyond is reported as a gap.
 */
export const changedBytesMax = 64 * mib;

/**
 * Most bytes of events of one entry; one with more is reported as a gap. Readers hand them on as
 * JSON within a frame of 16 MiB, where each byte can become two.
 */
export const entryEventBytesMax = 3 * mib;

/** What an event costs besides its texts, where it is stored and where it is handed on. */
export const eventOverheadBytes = 64;

/** Bytes of events that are kept when nothing else is configured, and the least that may be. */
export const keptEventBytesDefault = 256 * mib;
export const keptEventBytesMin = 16 * mib;

/** Events are dropped in portions, so that not every entry ends in a search for the oldest. */
export const droppedPortion = 1 / 16;
