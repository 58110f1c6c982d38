// What went wrong with an image, in a sentence for the log and for the node at the other end.

/** The message of an error, printable and short enough for a refusal. */
export const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
