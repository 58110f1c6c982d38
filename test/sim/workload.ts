// What the simulated clients do: registers that are written and read, lists that are appended to
// and read. Commands name their client and number, so that each is told apart from every other.
import { decodeCommand as decode, encodeCommand as encode } from '#command/command-codec.ts';
import { decodeProposal, encodeProposal } from '#command/proposal-codec.ts';
import { invariant } from '#invariant.ts';
import type { Entry } from '#raft/entry.ts';
import type { Model, Operation } from './linearizability.ts';

/** What a client asks of one object. */
export interface Input {
  readonly kind: 'write' | 'append' | 'read';
  readonly value: string;
}

/** A command in the log. */
export interface Command {
  readonly id: string;
  readonly key: string;
  readonly input: Input;
}

const decoded = new WeakMap<Entry, Command>();
const seed = new Uint8Array(16);

/** The data of an entry, as a node makes it of a request: one statement with two parameters. */
export const encodeCommand = ({ id, key, input }: Command, timeMs: number): Uint8Array =>
  encodeProposal({
    timeMs,
    seed,
    command: encode({
      texts: [input.kind],
      statements: [{ text: 0, positional: [key, input.value], named: [] }],
      transaction: false,
      schemaIndex: 0,
      changesSchema: false,
      user: 'client',
      requestId: id,
    }),
  });

/** The command of an entry; undefined for entries of other kinds. */
export const commandOf = (entry: Entry): Command | undefined => {
  if (entry.kind !== 'command') return undefined;
  const known = decoded.get(entry);
  if (known !== undefined) return known;
  const { texts, statements, requestId } = decode(decodeProposal(entry.data).command);
  const [kind] = texts;
  const [key, value] = statements[0]?.positional ?? [];
  invariant(kind === 'write' || kind === 'append', 'a command is of a kind that clients send');
  invariant(typeof key === 'string' && typeof value === 'string', 'it has a key and a value');
  const command: Command = { id: requestId, key, input: { kind, value } };
  decoded.set(entry, command);
  return command;
};

/** A value after a command. */
const after = (value: string, input: Input): string => {
  if (input.kind === 'write') return input.value;
  return input.kind === 'append' ? `${value},${input.value}` : value;
};

/** What every replica computes: the values by key. */
export const applyCommand = (values: Map<string, string>, entry: Entry): void => {
  const command = commandOf(entry);
  if (command === undefined) return;
  values.set(command.key, after(values.get(command.key) ?? '', command.input));
};

/**
 * One key as an object: a read answers with the value, everything else with nothing.
 *
 * Lists only grow, so every value a list ever had begins like the longest that was read. Saying so
 * spares the search the permutations of appends whose order a later read shows.
 */
export const modelFor = (
  history: readonly Operation<Input, string>[],
): Model<string, Input, string> => {
  const reads = history.map(({ returned }) => returned?.output ?? '');
  const longest = reads.reduce((a, b) => (b.length > a.length ? b : a), '');
  return {
    initial: '',
    step: (state, input, output) => {
      if (input.kind === 'read' && output !== undefined && output !== state) return undefined;
      const next = after(state, input);
      const isPossible =
        input.kind !== 'append' || longest.startsWith(next) || next.startsWith(longest);
      return isPossible ? next : undefined;
    },
  };
};
