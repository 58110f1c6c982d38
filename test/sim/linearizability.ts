// Whether a history of operations on one object could have come from a single copy that does one
// thing at a time (Herlihy and Wing). The search is Wing and Gong's with Lowe's memory of what was
// tried: take any operation that may be next, and go back when the object could not have answered
// so.

/** An operation as its client saw it. Times are positions in one total order of all events. */
export interface Operation<Input, Output> {
  readonly input: Input;
  readonly calledAt: number;
  /**
   * Undefined: nobody knows what became of it; it may have taken effect, also later, or not.
   * Without an output: it took effect by then, but its client never learnt the answer.
   */
  readonly returned: { readonly at: number; readonly output: Output | undefined } | undefined;
}

/** One object: what an input does to its state, and the answer that it gives. */
export interface Model<State extends string, Input, Output> {
  readonly initial: State;
  /** The state afterwards, or undefined when the object could not have answered so. */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
}

/**
 * States that one search may remember, about a gigabyte: beyond it the history is no use as a test.
 */
const attemptsMax = 4_000_000;

interface Call {
  readonly kind: 'call' | 'return';
  readonly operation: number;
  readonly at: number;
}

/** The events of a history in order; an operation without an answer returns after everything. */
const eventsOf = <I, O>(history: readonly Operation<I, O>[]): Call[] =>
  history
    .flatMap(({ calledAt, returned }, operation): Call[] => [
      { kind: 'call', operation, at: calledAt },
      { kind: 'return', operation, at: returned?.at ?? Number.POSITIVE_INFINITY },
    ])
    .sort((a, b) => a.at - b.at || a.operation - b.operation);

/**
 * Searches for an order that explains the history.
 *
 * @returns true when there is one
 */
export const isLinearizable = <State extends string, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
): boolean => {
  const events = eventsOf(history);
  const tried = new Set<string>();
  const placed: { readonly operation: number; readonly before: State; readonly at: number }[] = [];
  const isPlaced = new Array<boolean>(history.length).fill(false);
  let open = history.filter(({ returned }) => returned !== undefined).length;
  let bits = 0n;
  let state = model.initial;
  let position = 0;

  const place = (operation: number, next: State): void => {
    placed.push({ operation, before: state, at: position });
    isPlaced[operation] = true;
    if (history[operation]?.returned !== undefined) open -= 1;
    bits |= 1n << BigInt(operation);
    state = next;
    position = 0;
  };

  const takeBack = (): boolean => {
    const last = placed.pop();
    if (last === undefined) return false;
    isPlaced[last.operation] = false;
    if (history[last.operation]?.returned !== undefined) open += 1;
    bits &= ~(1n << BigInt(last.operation));
    state = last.before;
    position = last.at + 1;
    return true;
  };

  while (open > 0) {
    const event = events[position];
    if (event === undefined) {
      if (!takeBack()) return false;
      continue;
    }
    const operation = history[event.operation];
    if (operation === undefined || isPlaced[event.operation]) {
      position += 1;
      continue;
    }
    if (event.kind === 'return') {
      // It returned, so nothing that was called later can be before it: something placed is wrong.
      if (!takeBack()) return false;
      continue;
    }
    const next = model.step(state, operation.input, operation.returned?.output);
    const key = `${bits | (1n << BigInt(event.operation))}:${next}`;
    if (next === undefined || tried.has(key)) {
      position += 1;
      continue;
    }
    if (tried.size >= attemptsMax) throw new RangeError('the history is too hard to judge');
    tried.add(key);
    place(event.operation, next);
  }
  return true;
};
