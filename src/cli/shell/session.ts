// One session of the shell without its terminal: takes lines, runs statements and commands, writes
// texts. The same for a person who types and for a file that is piped in.
import type { ApiClient } from '#cli/client/api-client.ts';
import { CodedError } from '#errors.ts';
import type { Level } from './levels.ts';
import { type Mode, rowsText, safeText } from './render.ts';
import { resultsFrom, type StatementResult } from './results.ts';
import { isComplete, splitSql } from './split-sql.ts';

/** What a session can be told to do otherwise. */
export interface SessionState {
  mode: Mode;
  level: Level;
  timer: boolean;
  changes: boolean;
  /** Where data goes while `.output` names a file. */
  output: ((text: string) => Promise<void>) | undefined;
}

/** One of the shell's own commands at work. @throws CodedError */
export type RunCommand = (
  name: string,
  session: Session,
  words: readonly string[],
) => Promise<void>;

/** What a session works with. */
export interface SessionOptions {
  readonly runCommand: RunCommand;
  readonly client: ApiClient;
  readonly mode: Mode;
  readonly level: Level;
  /** Data. */
  readonly write: (text: string) => void;
  /** Everything that is no data. */
  readonly say: (text: string) => void;
  readonly nowMs: () => number;
}

/** A statement may be as long as the server takes. */
const pendingCharactersMax = 1024 * 1024;

/** See the head of this file. */
export class Session {
  readonly client: ApiClient;
  readonly state: SessionState;
  readonly #options: SessionOptions;
  #pending = '';
  /** Something failed; programs hear of it by the exit code. */
  failures = 0;
  /** `.exit` was said. */
  over = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.client = options.client;
    this.state = {
      mode: options.mode,
      level: options.level,
      timer: false,
      changes: true,
      output: undefined,
    };
  }

  /** Whether a statement is begun and not ended. */
  get pending(): boolean {
    return this.#pending.trim() !== '';
  }

  /** Forgets what is begun. */
  abandon(): void {
    this.#pending = '';
  }

  /** Takes a line; resolves when all that it ended is done. */
  async line(line: string): Promise<void> {
    if (!this.pending && line.trimStart().startsWith('.')) {
      await this.#guarded(() => this.#command(line.trim()));
      return;
    }
    this.#pending += `${line}\n`;
    if (this.#pending.length > pendingCharactersMax) {
      this.#pending = '';
      this.#fail('a statement is longer than 1 MiB; it was dropped');
    } else if (isComplete(this.#pending)) await this.finish();
  }

  /** Runs what is begun as if it were ended. */
  async finish(): Promise<void> {
    const text = this.#pending;
    this.#pending = '';
    const statements = splitSql(text).map((statement) => statement.text);
    if (statements.length === 0) return;
    await this.#guarded(async () => {
      for (const statement of statements) await this.#statement(statement);
    });
  }

  /** Data: to the file of `.output`, else to standard output. */
  async write(text: string): Promise<void> {
    if (this.state.output === undefined) this.#options.write(text);
    else await this.state.output(text);
  }

  /** Words beside the data. */
  say(text: string): void {
    this.#options.say(text);
  }

  /** Results of a request to one of the `/db/` routes. */
  async run(statements: readonly string[]): Promise<readonly StatementResult[]> {
    const path = `/db/request?level=${this.state.level}`;
    return resultsFrom(await this.client.ask({ path, body: JSON.stringify(statements) }));
  }

  async #statement(statement: string): Promise<void> {
    const begunMs = this.#options.nowMs();
    for (const result of await this.run([statement])) await this.#show(result);
    if (this.state.timer) {
      this.say(`${((this.#options.nowMs() - begunMs) / 1000).toFixed(3)} s\n`);
    }
  }

  async #show(result: StatementResult): Promise<void> {
    switch (result.kind) {
      case 'failed':
        this.#fail(result.message);
        return;
      case 'changed':
        if (this.state.changes)
          this.say(`${result.rows} ${result.rows === '1' ? 'row' : 'rows'} changed\n`);
        return;
      case 'nothing':
        return;
      case 'rows':
        await this.write(rowsText(result, this.state.mode));
    }
  }

  async #command(line: string): Promise<void> {
    const [name = '', ...words] = wordsOf(line);
    await this.#options.runCommand(name, this, words);
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const { hint } = error.details;
      this.#fail(hint === undefined ? error.message : `${error.message}\n  ${hint}`);
    }
  }

  #fail(message: string): void {
    this.failures += 1;
    const lines = message.split('\n').map(safeText);
    this.say(`Error: ${lines.join('\n')}\n`);
  }
}

/** Words of a command; one in quotes may hold blanks. */
const wordsOf = (line: string): readonly string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? '',
  );
