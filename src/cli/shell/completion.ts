// What the Tab key offers: the shell's commands, tables and columns of the database, words of SQL.
import { dotCommands } from './dot-commands.ts';
import { levels } from './levels.ts';
import { modes } from './render.ts';
import type { Session } from './session.ts';

/** How long names of tables are remembered. */
const namesMs = 5000;

/** More names than this help nobody. */
const namesMax = 2000;

const keywords =
  'ALTER AND AS ASC BETWEEN BY CASE COLUMN CREATE DEFAULT DELETE DESC DISTINCT DROP ELSE END EXISTS EXPLAIN FROM GROUP HAVING IN INDEX INNER INSERT INTO IS JOIN KEY LEFT LIKE LIMIT NOT NULL ON OR ORDER PRIMARY REFERENCES RETURNING SELECT SET TABLE THEN UNION UNIQUE UPDATE VALUES VIEW WHEN WHERE WITH'.split(
    ' ',
  );

const namesText = `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')
  UNION SELECT p.name FROM sqlite_schema s JOIN pragma_table_info(s.name) p
  WHERE s.type IN ('table', 'view') LIMIT ${namesMax}`;

const wordBefore = /[\p{L}\p{N}_.$]*$/u;

/** Completes for one session. */
export class Completion {
  readonly #session: Session;
  readonly #nowMs: () => number;
  #names: readonly string[] = [];
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(session: Session, nowMs: () => number) {
    this.#session = session;
    this.#nowMs = nowMs;
  }

  /** What may follow, and the end of the line that it stands for: as node:readline wants it. */
  async complete(line: string): Promise<[string[], string]> {
    const word = wordBefore.exec(line)?.[0] ?? '';
    if (line.startsWith('.')) return [this.#ofCommand(line, word), word];
    const names = await this.#namesNow();
    const lower = word.toLowerCase();
    const typedLower = word !== '' && word === lower;
    const words = keywords.map((keyword) => (typedLower ? keyword.toLowerCase() : keyword));
    const found = [...names, ...words].filter((name) => name.toLowerCase().startsWith(lower));
    return [[...new Set(found)], word];
  }

  #ofCommand(line: string, word: string): string[] {
    const [name = '', ...words] = line.split(/\s+/);
    const choices =
      words.length === 0 ? dotCommands.map((command) => command.name) : (choicesOf[name] ?? []);
    return choices.filter((choice) => choice.startsWith(word));
  }

  /** Names of tables and columns; without an answer those of before. */
  async #namesNow(): Promise<readonly string[]> {
    if (this.#nowMs() - this.#readMs < namesMs) return this.#names;
    this.#readMs = this.#nowMs();
    try {
      const [result] = await this.#session.run([namesText]);
      if (result?.kind === 'rows') {
        this.#names = result.rows.flatMap(([name]) => (typeof name === 'string' ? [name] : []));
      }
    } catch {
      // Whoever types hears of it from the next statement.
    }
    return this.#names;
  }
}

const choicesOf: Readonly<Record<string, readonly string[]>> = {
  '.mode': modes,
  '.consistency': levels,
  '.timer': ['on', 'off'],
  '.changes': ['on', 'off'],
  '.nodes': ['all'],
};
