// Verdicts of the guard by statement text, for one state of the schema: a change of the schema
// drops them all. Two generations bound the memory: what was not asked for while one filled up is
// gone.
import type { BackendVerdict } from '#http/backend.ts';
import { verdictCharactersMax, verdictsMax, verdictTextCharactersMax } from '#http/front-limits.ts';

/** A bounded memory of verdicts. */
export class VerdictCache {
  #schemaIndex = 0;
  #young = new Map<string, BackendVerdict>();
  #old = new Map<string, BackendVerdict>();
  #youngCharacters = 0;

  /** The schema that the verdicts hold for: index of the last command that changed it. */
  get schemaIndex(): number {
    return this.#schemaIndex;
  }

  /** Drops everything when the schema is known to be newer. */
  advance(schemaIndex: number): void {
    if (schemaIndex <= this.#schemaIndex) return;
    this.#schemaIndex = schemaIndex;
    this.#young.clear();
    this.#old.clear();
    this.#youngCharacters = 0;
  }

  get(text: string): BackendVerdict | undefined {
    const young = this.#young.get(text);
    if (young !== undefined) return young;
    const old = this.#old.get(text);
    if (old !== undefined) this.#keep(text, old);
    return old;
  }

  /** Remembers a verdict for a schema; one for an older schema than the newest known is ignored. */
  set(schemaIndex: number, text: string, verdict: BackendVerdict): void {
    this.advance(schemaIndex);
    if (schemaIndex !== this.#schemaIndex || text.length > verdictTextCharactersMax) return;
    this.#keep(text, verdict);
  }

  #keep(text: string, verdict: BackendVerdict): void {
    this.#young.set(text, verdict);
    this.#youngCharacters += text.length;
    // Each generation may hold half of the bound.
    if (this.#young.size * 2 <= verdictsMax && this.#youngCharacters * 2 <= verdictCharactersMax) {
      return;
    }
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngCharacters = 0;
  }
}
