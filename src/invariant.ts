// What cannot happen. A broken invariant means the process can no longer be trusted with data, so
// nothing catches it: the process stops and its supervisor starts a new one from what is on disk.

/** Thrown by {@link invariant} and {@link unreachable}; never caught except to log and exit. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/**
 * Stops the process when `condition` is false.
 *
 * @param sentence what must hold, as a statement of fact ("commitIndex never goes back")
 */
export function invariant(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new InvariantError(`broken invariant: ${sentence}`);
}

/** Ends a `switch` over a discriminated union, so that a new variant is a compile error. */
export function unreachable(value: never): never {
  throw new InvariantError(`broken invariant: no case for ${JSON.stringify(value)}`);
}
