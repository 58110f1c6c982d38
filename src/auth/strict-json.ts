// A JSON parser that refuses what JSON.parse lets pass: a key given twice, and nesting without end.
// It keeps line numbers, for messages about files that people edit, and number texts as written.
// Slower than JSON.parse: for files and for the rare body that holds objects, not for every
// request.

/** A value with the line it starts on, counted from 1. */
export type JsonNode =
  | {
      readonly kind: 'object';
      readonly line: number;
      readonly members: ReadonlyMap<string, JsonNode>;
    }
  | { readonly kind: 'array'; readonly line: number; readonly items: readonly JsonNode[] }
  | { readonly kind: 'string'; readonly line: number; readonly value: string }
  | { readonly kind: 'number'; readonly line: number; readonly source: string }
  | { readonly kind: 'literal'; readonly line: number; readonly value: boolean | null };

/** What a text holds, or the first fault in it. */
export type StrictJson =
  | { readonly kind: 'value'; readonly value: JsonNode }
  | { readonly kind: 'fault'; readonly line: number; readonly reason: string };

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const spacePattern = /[ \t\r\n]*/y;
const literalPattern = /true|false|null/y;
/** Up to the closing quote; the string itself is then read by JSON.parse. */
const stringPattern = /"(?:[^"\\]|\\.)*"/sy;

class Fault extends Error {}

/**
 * Parses `text` as exactly one JSON value.
 *
 * @param depthMax how many arrays and objects may be open at once
 */
export const parseStrictJson = (text: string, depthMax: number): StrictJson => {
  const parser = new Parser(text, depthMax);
  try {
    return { kind: 'value', value: parser.document() };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: 'fault', line: parser.line, reason: error.message };
  }
};

class Parser {
  readonly #text: string;
  readonly #depthMax: number;
  #at = 0;
  #depth = 0;
  line = 1;

  constructor(text: string, depthMax: number) {
    this.#text = text;
    this.#depthMax = depthMax;
  }

  document(): JsonNode {
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) throw new Fault('something follows the value');
    return value;
  }

  #value(): JsonNode {
    this.#space();
    const line = this.line;
    switch (this.#text.charAt(this.#at)) {
      case '{':
        return { kind: 'object', line, members: this.#nested(() => this.#members()) };
      case '[':
        return { kind: 'array', line, items: this.#nested(() => this.#items()) };
      case '"':
        return { kind: 'string', line, value: this.#string() };
      default:
        return this.#scalar(line);
    }
  }

  #nested<T>(read: () => T): T {
    if (this.#depth === this.#depthMax) throw new Fault(`nested deeper than ${this.#depthMax}`);
    this.#depth += 1;
    this.#at += 1;
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #members(): ReadonlyMap<string, JsonNode> {
    const members = new Map<string, JsonNode>();
    for (let first = true; !this.#closes('}', first); first = false) {
      if (this.#text[this.#at] !== '"') throw new Fault('a key in double quotes is missing');
      const key = this.#string();
      if (members.has(key)) throw new Fault(`the key ${JSON.stringify(key)} is given twice`);
      this.#space();
      if (this.#text[this.#at] !== ':') throw new Fault('a colon is missing behind a key');
      this.#at += 1;
      members.set(key, this.#value());
    }
    return members;
  }

  #items(): readonly JsonNode[] {
    const items: JsonNode[] = [];
    for (let first = true; !this.#closes(']', first); first = false) items.push(this.#value());
    return items;
  }

  /**
   * At the end of a list true, else past the comma that must stand before all items but the first.
   */
  #closes(bracket: string, first: boolean): boolean {
    this.#space();
    const next = this.#text[this.#at];
    if (next === bracket) {
      this.#at += 1;
      return true;
    }
    if (first) return false;
    if (next !== ',') throw new Fault(`a comma or ${bracket} is missing`);
    this.#at += 1;
    this.#space();
    if (this.#text[this.#at] === bracket) throw new Fault(`a comma stands before ${bracket}`);
    return false;
  }

  #string(): string {
    const source = this.#match(stringPattern);
    if (source === undefined) throw new Fault('a string has no end');
    try {
      const value: unknown = JSON.parse(source);
      if (typeof value === 'string') return value;
    } catch {
      // Falls through: JSON.parse words its message for the whole text, which this is not.
    }
    throw new Fault('a string holds a control character or a broken escape');
  }

  #scalar(line: number): JsonNode {
    const literal = this.#match(literalPattern);
    if (literal !== undefined) {
      return { kind: 'literal', line, value: literal === 'null' ? null : literal === 'true' };
    }
    const source = this.#match(numberPattern);
    if (source === undefined) throw new Fault('a value is missing');
    return { kind: 'number', line, source };
  }

  #space(): void {
    const space = this.#match(spacePattern) ?? '';
    for (const character of space) if (character === '\n') this.line += 1;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}
