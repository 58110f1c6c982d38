// Bounds of how a node treats a disk that fills up. Each is the smaller of a share of the disk and
// a number of bytes: a small disk is not taken whole, a large one not kept empty.

const mib = 1024 * 1024;

/** Below it new writes are refused, except those of users with `heavy` that only make room. */
export const lowBytesMax = 1024 * mib;
export const lowShare = 0.1;

/** Below it the node gives up leadership and appends nothing more to its log. */
export const criticalBytesMax = 256 * mib;
export const criticalShare = 0.025;

/** A level is left only with this much more room than where it begins: it does not flutter. */
export const hysteresisShare = 0.05;

/** The room is looked at this often; between two looks a node writes far less than a level. */
export const lookEveryMs = 1000;

/** While the disk is critical a leader tries this often to find somebody who takes over. */
export const handOverEveryMs = 5000;

/** The reserve: room for a start and a checkpoint when everything else on the disk is taken. */
export const reserveBytesMax = 64 * mib;
export const reserveShare = 0.01;

/** Written at a time, so that making the reserve holds up nothing. */
export const reservePieceBytes = 1 * mib;
