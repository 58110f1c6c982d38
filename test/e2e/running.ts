// A command of `stockade` that goes on running: what it says so far, and a way to wait for more.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { eventually } from './cluster.ts';

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** A process; `stop` it, or it ends by itself. */
export class Running {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #stdout = '';
  #stderr = '';

  constructor(
    words: readonly string[],
    options: {
      readonly input?: string;
      readonly cwd?: string;
      readonly environment?: Readonly<Record<string, string>>;
    } = {},
  ) {
    this.#child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, ...words],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        // Nothing of this environment: some of it a node refuses to run with.
        env: { PATH: '/usr/bin:/bin', ...options.environment },
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      },
    );
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString();
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdin?.end(options.input ?? '');
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The exit code; undefined while it runs. */
  get code(): number | null | undefined {
    return this.#child.exitCode ?? undefined;
  }

  /** Waits until it says something; fails when it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return eventually(`${String(pattern)} is said`, () => {
      const found = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr);
      if (found === null && this.#child.exitCode !== null) {
        throw new Error(
          `it ended without saying ${String(pattern)}:\n${this.#stdout}${this.#stderr}`,
        );
      }
      return Promise.resolve(found ?? undefined);
    });
  }

  /** Waits for its end and gives the exit code. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** Sends a signal. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it and gives the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    return this.#ended;
  }
}
