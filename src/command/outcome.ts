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
  | { readonly kind: 'schema-changed'; readonly schemaIndex: number }
  /** It was carried out before, as entry `index`: what came of it then; nothing was done now. */
  | {
      readonly kind: 'repeated';
      readonly index: number;
      readonly json: Uint8Array;
      readonly error: string;
      /** What came of it was not kept: `json` and `error` say nothing. */
      readonly lost: boolean;
    }
  /** Its key was used for another request; nothing was done. */
  | { readonly kind: 'key-reused' }
  /** The commit of an interactive transaction that stands elsewhere than its fence says. */
  | { readonly kind: 'conflict' };

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
