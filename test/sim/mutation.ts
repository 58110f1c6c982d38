// One deliberate fault of the core, the log or the transport; see mutations.ts.

/** In `file` of src, `find` (which occurs exactly once) becomes `replace`. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}
