// Which statements a reader knows to be quick: their answers may wait for each other. Only a guess:
// the same text may take longer with other parameters.

/** Texts that are remembered; when there are more, all are forgotten. */
const textsMax = 1000;
/** A longer text is a one-off. */
const textCharactersMax = 4096;
/** What takes longer is not quick any more, however often it was before. */
const quickMs = 2;

/** Texts by how long they ran. */
export class QuickTexts {
  /** Whether a text was quick whenever it ran. */
  readonly #known = new Map<string, boolean>();

  /** Whether every one of the texts is known to be quick. */
  all(texts: readonly string[]): boolean {
    return texts.every((text) => this.#known.get(text) === true);
  }

  /** Texts ran together, for so long. */
  ran(texts: readonly string[], ms: number): void {
    for (const text of texts) {
      const before = this.#known.get(text);
      const isQuick = ms < quickMs && before !== false;
      if (before === isQuick || text.length > textCharactersMax) continue;
      if (before === undefined && this.#known.size >= textsMax) this.#known.clear();
      this.#known.set(text, isQuick);
    }
  }
}
