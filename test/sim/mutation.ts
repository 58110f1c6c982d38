// One deliberate fault of the core; see mutations.ts.

/** In `file` of src/raft, `find` (which occurs exactly once) becomes `replace`. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}
