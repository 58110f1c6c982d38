// One open interactive transaction, as the leader keeps it: the statements that succeeded, digests
// of what its client saw of them, and what time and randomness are in it. It holds no lock and no
// connection: whatever dies, nothing is lost but a run.
import type { Command, Idempotency, Statement } from '#command/command.ts';
import { encodeCommand } from '#command/command-codec.ts';
import { encodeProposal } from '#command/proposal-codec.ts';
import type { Trial, TrialStep } from '#db/try-transaction.ts';

/** A request of its client, as it was run. */
export interface Step {
  readonly command: Command;
  /** Bytes of its encoding. */
  readonly bytes: number;
  readonly render: number;
}

/** What its client saw of one. */
interface SeenStep extends Step {
  readonly digest: Uint8Array;
}

/** A step that failed: it stands behind so many others, and changed nothing. */
interface SeenFailure extends SeenStep {
  readonly behind: number;
  /** It failed on the data of this entry. */
  readonly index: number;
}

/** What a run showed of its last step. */
export interface Shown {
  readonly digest: Uint8Array;
  readonly failed: boolean;
  readonly index: number;
}

/** What stays the same from its opening on. */
export interface Opening {
  readonly id: string;
  readonly user: string;
  /** By the monotonic clock. */
  readonly openedMs: number;
  /** 'now' in its statements, by the time of the log. */
  readonly timeMs: number;
  /** 16 bytes. */
  readonly seed: Uint8Array;
}

const notSeen = new Uint8Array(0);

const trialStepOf = ({ command, render }: Step, digest: Uint8Array): TrialStep => ({
  statements: command.statements.length,
  render,
  digest,
});

/** The steps' statements with one table of texts. */
const joined = (steps: readonly Step[]): Pick<Command, 'texts' | 'statements'> => {
  const numbers = new Map<string, number>();
  const statements: Statement[] = [];
  for (const { command } of steps) {
    for (const statement of command.statements) {
      const text = command.texts[statement.text] ?? '';
      const number = numbers.get(text) ?? numbers.size;
      numbers.set(text, number);
      statements.push({ ...statement, text: number });
    }
  }
  return { texts: [...numbers.keys()], statements };
};

/** See the head of this file. */
export class Transaction {
  readonly opening: Opening;
  /** When something was asked of it last, by the monotonic clock. */
  lastMs: number;
  /** Time of the writer that its runs have taken. */
  writerMs = 0;
  /** `run`: a step is under way; `commit`: it is about to be committed, or was. */
  busy: 'no' | 'run' | 'commit' = 'no';
  /** Bytes of the step that is under way. */
  pendingBytes = 0;
  readonly #steps: SeenStep[] = [];
  readonly #failures: SeenFailure[] = [];
  /** All that succeeded was seen on the data of this entry. */
  #seenAt = 0;

  constructor(opening: Opening) {
    this.opening = opening;
    this.lastMs = opening.openedMs;
  }

  /** The schema that all its statements were judged by; undefined before the first. */
  get schemaIndex(): number | undefined {
    return (this.#steps[0] ?? this.#failures[0])?.command.schemaIndex;
  }

  get statements(): number {
    return this.#steps.reduce((sum, { command }) => sum + command.statements.length, 0);
  }

  /** Bytes of all that is kept of it. */
  get bytes(): number {
    const seen = [...this.#steps, ...this.#failures];
    return seen.reduce((sum, { bytes }) => sum + bytes, this.pendingBytes);
  }

  /** Requests that failed. */
  get failures(): number {
    return this.#failures.length;
  }

  /** Nothing in it succeeded yet. */
  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  /** A step succeeded, or failed and was undone; its client sees it so. */
  saw(step: Step, { digest, failed, index }: Shown): void {
    this.#seenAt = index;
    if (failed) this.#failures.push({ ...step, digest, behind: this.#steps.length, index });
    else this.#steps.push({ ...step, digest });
  }

  /** All that its client saw, and one more step. */
  trialOf(step: Step): Trial {
    return this.#trial(this.#steps, step, notSeen);
  }

  /**
   * Runs that must show again what its client saw: of what succeeded, and of each failure. What was
   * seen at the last entry that may have changed data, or behind it, would only be the same.
   */
  trialsSince(lastChange: number): readonly Trial[] {
    const last = this.#steps.at(-1);
    const whole =
      last === undefined || this.#seenAt >= lastChange
        ? []
        : [this.#trial(this.#steps.slice(0, -1), last, last.digest)];
    const failed = this.#failures
      .filter(({ index }) => index < lastChange)
      .map((failure) => this.#trial(this.#steps.slice(0, failure.behind), failure, failure.digest));
    return [...whole, ...failed];
  }

  /** The command that commits it, carried out right behind entry `fence` only. */
  commitOf(fence: number, requestId: string, idempotency: Idempotency | undefined): Buffer {
    const { id, user, timeMs, seed } = this.opening;
    return encodeCommand({
      ...joined(this.#steps),
      transaction: true,
      schemaIndex: this.schemaIndex ?? 0,
      changesSchema: false,
      user,
      requestId,
      ...(idempotency === undefined ? {} : { idempotency }),
      interactive: { id, fence, timeMs, seed },
    });
  }

  #trial(before: readonly SeenStep[], last: Step, digest: Uint8Array): Trial {
    const { timeMs, seed, user } = this.opening;
    const command = encodeCommand({
      ...joined([...before, last]),
      transaction: true,
      schemaIndex: last.command.schemaIndex,
      changesSchema: false,
      user,
      requestId: last.command.requestId,
    });
    return {
      data: encodeProposal({ timeMs, seed, command }),
      steps: [...before.map((step) => trialStepOf(step, step.digest)), trialStepOf(last, digest)],
    };
  }
}
