// What a command of `stockade` is: its words, its options and its work. One table makes the parser,
// the help text and the exit codes.

/** One option; `--name value`, or a switch. */
export interface CommandOption {
  readonly name: string;
  readonly kind: 'text' | 'whole' | 'switch';
  /** What stands for the value in help: `DIR`, `N`. */
  readonly value: string;
  readonly standard: string;
  readonly meaning: string;
  /** Bounds of a whole number. */
  readonly min?: number;
  readonly max?: number;
}

/** Options as given or by default. */
export interface CommandInput {
  readonly text: (name: string) => string;
  readonly whole: (name: string) => number;
  readonly on: (name: string) => boolean;
  /** Whether the option was on the command line. */
  readonly given: (name: string) => boolean;
  /** Words that are no options. */
  readonly words: readonly string[];
  /** `--a.b value` for settings, when the command takes settings. */
  readonly settings: ReadonlyMap<string, string>;
}

/** A command. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly example: string;
  readonly options: readonly CommandOption[];
  /** Takes `--http.listen` and every other setting of a node as an option. */
  readonly takesSettings: boolean;
  /** Resolves to the exit code. @throws CodedError */
  readonly run: (input: CommandInput) => Promise<number>;
}
