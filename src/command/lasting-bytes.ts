// Memory for bytes that stay for long, side by side with others of their kind. Small buffers come
// from a pool of Node.js that all of a process shares: one that stays keeps its whole piece of the
// pool, with all that was in it for a moment only. Entries of the log, kept for followers, held
// five times their own bytes that way.

const slabBytes = 64 * 1024;
/** Larger ones have memory of their own: at most a quarter of a slab is left empty. */
const sharedBytesMax = slabBytes / 4;

/** Gives memory that holds anything; what it gave first should be let go of first. */
export type Allocate = (bytes: number) => Buffer;

/** An allocator for one kind of bytes; memory is free when all of a slab is let go of. */
export const lastingBytes = (): Allocate => {
  let slab = Buffer.alloc(0);
  let used = 0;
  return (bytes) => {
    if (bytes > sharedBytesMax) return Buffer.allocUnsafeSlow(bytes);
    if (used + bytes > slab.length) {
      slab = Buffer.allocUnsafeSlow(slabBytes);
      used = 0;
    }
    const given = slab.subarray(used, used + bytes);
    used += bytes;
    return given;
  };
};
