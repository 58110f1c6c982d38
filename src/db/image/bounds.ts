// Bounds of making and taking images.

const kib = 1024;
const mib = 1024 * kib;

/** Read, compressed and written at a time: large enough for the disk, small beside the process. */
export const pieceBytes = 1 * mib;

/** An image is written out to the disk this often, so that syncs of the log wait for no more. */
export const syncEveryBytes = 4 * mib;

/**
 * Level 1: a third of the time of level 3 for images that are a few percent larger. The leader has
 * better things to do.
 */
export const compressionLevel = 1;

/** Memory that decompression may take for its window (2^24 bytes); level 1 needs a 32nd of it. */
export const windowLogMax = 24;

/**
 * Room that must stay on the disk beside an image: a tenth of it, but no more than 1 GiB. The log
 * and the write-ahead log need it more than an image does.
 */
export const freeBytesKept = 1024 * mib;
export const freeShareKept = 0.1;
