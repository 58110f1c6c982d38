// Prepared statements are freed with their JavaScript objects, and most of what they hold is memory
// of SQLite, which V8's collector does not see: it waits while hundreds of megabytes pile up. So
// characters of what was prepared are counted, and the collector is called when they are many.

/**
 * Characters between two collections: some 50 bytes each in the end, so about 50 MB; a collection
 * costs some 20 ms, which is a thirtieth of what preparing so much takes.
 */
const charactersMax = 1024 * 1024;

/** What a statement costs besides its characters, as characters. */
const statementCharacters = 60;

/** Counts what was prepared by one connection and its guard. */
export class StatementGarbage {
  readonly #collect: () => void;
  #characters = 0;

  constructor(collect: () => void) {
    this.#collect = collect;
  }

  /** These texts were prepared; most of their statements are garbage soon. */
  count(texts: readonly string[]): void {
    for (const text of texts) this.#characters += text.length + statementCharacters;
  }

  /** Collects when enough has piled up. */
  collectWhenMuch(): void {
    if (this.#characters < charactersMax) return;
    this.#characters = 0;
    this.#collect();
  }
}
