// One source file and which of its characters were run, as V8 counted in any number of processes.
// Types are stripped by blanking them, so offsets in what ran are offsets in the source.

/** What V8 writes of one script; the first range of a function is all of it. */
export interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly {
      readonly startOffset: number;
      readonly endOffset: number;
      readonly count: number;
    }[];
  }[];
}

/** A piece of code that never ran. */
export interface NeverRun {
  readonly line: number;
  /** The piece on one line, its end cut off. */
  readonly code: string;
  /** The whole line in which it begins, without its indent: names the piece in a list. */
  readonly within: string;
}

/** Longest piece that is shown whole. */
const codeMax = 70;

/** Nothing but comments, brackets and what types left behind. */
const isEmpty = (code: string): boolean =>
  code.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '').replaceAll(/[\s{}();,]/g, '') === '';

/** The file; `add` takes what one process did. */
export class CoveredText {
  readonly #text: string;
  readonly #wasRun: Uint8Array;

  constructor(text: string) {
    this.#text = text;
    this.#wasRun = new Uint8Array(text.length);
  }

  add({ functions }: ScriptCoverage): void {
    const run = new Uint8Array(this.#text.length);
    // Outer ranges first: the innermost one has the last word.
    const ranges = functions
      .flatMap((one) => one.ranges)
      .sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
    for (const { startOffset, endOffset, count } of ranges) {
      run.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    }
    for (const [at, was] of run.entries()) if (was === 1) this.#wasRun[at] = 1;
  }

  /** Every piece that no process ran, in order. What cannot be reached by its type is left out. */
  neverRun(): readonly NeverRun[] {
    const pieces: NeverRun[] = [];
    for (let start = 0; start < this.#text.length; ) {
      if (this.#wasRun[start] === 1) {
        start += 1;
        continue;
      }
      const next = this.#wasRun.indexOf(1, start);
      const end = next < 0 ? this.#text.length : next;
      const piece = this.#text.slice(start, end);
      if (!isEmpty(piece) && !piece.includes('unreachable(')) {
        const indent = piece.length - piece.trimStart().length;
        const line = this.#text.slice(0, start + indent).split('\n').length;
        const within = (this.#text.split('\n')[line - 1] ?? '').trim();
        const code = piece.replaceAll(/\s+/g, ' ').trim();
        const shown = code.length > codeMax ? `${code.slice(0, codeMax)}...` : code;
        pieces.push({ line, code: shown, within });
      }
      start = end;
    }
    return pieces;
  }
}
