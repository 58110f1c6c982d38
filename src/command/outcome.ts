// What became of a command, as the writer reports it to whoever proposed it.

/** Results as JSON text, or a refusal that every replica reached alike. */
export type Outcome =
  | {
      readonly kind: 'results';
      /** The elements of `results`, comma separated, without the brackets; UTF-8. */
      readonly json: Uint8Array;
      /** An error of the request as a whole (a COMMIT that failed); `json` is empty then. */
      readonly error: string;
      /** Time spent applying, microseconds. */
      readonly microseconds: number;
    }
  | { readonly kind: 'schema-changed'; readonly schemaIndex: number };

/** How results are written; bits of one byte that travels beside a command, never in it. */
export const renderBits = {
  /** A result is wanted at all. */
  wanted: 1,
  timings: 2,
  associative: 4,
  blobArray: 8,
  /** Statements that return rows do return them (/db/request, RETURNING). */
  rows: 16,
  qualifyColumns: 32,
} as const;
