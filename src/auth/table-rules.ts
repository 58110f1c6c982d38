// Which tables a user may read and write, and whether a statement keeps to that. A statement is
// judged by everything it reaches, through views and triggers too: what the user could not do
// directly, nothing does for it. Foreign keys do their work for everybody, whoever made them.

/** What the guard says a statement reaches. */
export interface Reached {
  readonly access: 'read' | 'write' | 'schema';
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

/** Tables whose rows are the arguments of the statement itself. */
const withoutData: ReadonlySet<string> = new Set([
  'json_each',
  'json_tree',
  'jsonb_each',
  'jsonb_tree',
]);

const everyTable = '*';

/** The rules of one user. */
export class TableRules {
  readonly #read: ReadonlySet<string>;
  readonly #write: ReadonlySet<string>;

  /** Names as the auth file lists them; case does not count, `*` stands for all. */
  constructor(read: readonly string[], write: readonly string[]) {
    this.#read = new Set(read.map((name) => name.toLowerCase()));
    this.#write = new Set(write.map((name) => name.toLowerCase()));
  }

  /** What the user lacks for a statement, as the end of a sentence; undefined: nothing. */
  lackedBy({ access, reads, writes }: Reached): string | undefined {
    // Whoever makes a trigger or a view could have others do what it may not do itself.
    if (access === 'schema') return 'change the schema';
    const write = writes.find((name) => !this.#has(this.#write, name));
    if (write !== undefined) return `write the table ${write}`;
    const read = reads.find((name) => !withoutData.has(name) && !this.#has(this.#read, name));
    return read === undefined ? undefined : `read the table ${read}`;
  }

  /** A text that is the same for the same rules. */
  get described(): string {
    return JSON.stringify([[...this.#read].sort(), [...this.#write].sort()]);
  }

  #has(allowed: ReadonlySet<string>, name: string): boolean {
    return allowed.has(everyTable) || allowed.has(name.toLowerCase());
  }
}
