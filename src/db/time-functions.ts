// Date and time functions while an entry is applied: 'now' (said or left out) is the entry's time
// and 'localtime' is UTC; everything else is left to SQLite's own functions on a side connection,
// so that every modifier gives the same value and storage class as it always did.
import type { Engine, EngineStatement, SqlFunction, SqlValue } from './engine.ts';

/** The time that 'now' means, milliseconds since 1970 UTC. */
export interface EntryClock {
  timeMs: number;
}

const isText = (value: SqlValue | undefined, ...words: readonly string[]): boolean => {
  const text = value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
  return typeof text === 'string' && words.includes(text.toLowerCase());
};

/** Does nothing at any place where a modifier may stand, and keeps the others' places. */
const noModifier = '+0 seconds';

const withoutZone = (value: SqlValue): SqlValue =>
  isText(value, 'localtime', 'utc') ? noModifier : value;

const entryTimeText = (clock: EntryClock): string =>
  new Date(clock.timeMs).toISOString().replace('T', ' ').replace('Z', '');

/** The arguments with the time value at `at` made explicit. */
const withTime = (
  values: readonly SqlValue[],
  at: number,
  clock: EntryClock,
): readonly SqlValue[] => {
  if (values.length < at) return values;
  const before = values.slice(0, at);
  const modifiers = values.slice(at + 1).map(withoutZone);
  const time = values[at];
  if (time === undefined || isText(time, 'now')) {
    return [...before, entryTimeText(clock), ...modifiers];
  }
  // 'subsec' in the place of the time is 'now' with fractions; as a modifier it may stand anywhere.
  if (isText(time, 'subsec', 'subsecond')) {
    return [...before, entryTimeText(clock), ...modifiers, 'subsec'];
  }
  return [...before, time, ...modifiers];
};

/** SQLite's own function on the side connection, prepared once per number of arguments. */
const native = (side: Engine, name: string): ((values: readonly SqlValue[]) => SqlValue) => {
  const prepared: EngineStatement[] = [];
  return (values) => {
    prepared[values.length] ??= side.prepare(`SELECT ${name}(${values.map(() => '?').join(',')})`);
    return prepared[values.length]?.all({ anonymous: values }, true)[0]?.[0] ?? null;
  };
};

/** A function to define: its name and number of arguments (undefined: any). */
export interface NamedFunction {
  readonly name: string;
  readonly parameters: number | undefined;
  readonly call: SqlFunction;
}

/** Index of the argument that is a time value, by function. */
const timeValueAt: Readonly<Record<string, number>> = {
  date: 0,
  time: 0,
  datetime: 0,
  julianday: 0,
  unixepoch: 0,
  strftime: 1,
};

const currentWords: Readonly<Record<string, string>> = {
  current_date: 'date',
  current_time: 'time',
  current_timestamp: 'datetime',
};

/** CURRENT_DATE and its kin, which SQLite keeps out of indexes and checks by itself. */
export const currentFunctions = (side: Engine, clock: EntryClock): readonly NamedFunction[] =>
  Object.entries(currentWords).map(([name, delegate]) => {
    const call = native(side, delegate);
    return { name, parameters: 0, call: () => call([entryTimeText(clock)]) };
  });

/** Those with arguments; `side` is an open `:memory:` connection that nothing else uses. */
export const timeFunctions = (side: Engine, clock: EntryClock): readonly NamedFunction[] => {
  const delegated = Object.entries(timeValueAt).map(([name, at]): NamedFunction => {
    const call = native(side, name);
    return {
      name,
      parameters: undefined,
      call: (...values) => call(withTime(values, at, clock)),
    };
  });
  const difference = native(side, 'timediff');
  const explicit = (value: SqlValue): SqlValue => withTime([value], 0, clock)[0] ?? null;
  return [
    ...delegated,
    {
      name: 'timediff',
      parameters: 2,
      call: (left = null, right = null) => difference([explicit(left), explicit(right)]),
    },
  ];
};
