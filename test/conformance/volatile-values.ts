// Replaces what differs from run to run (times, durations, addresses) in a JSON text by its kind,
// without touching anything else: the rest is compared character by character.

/** JSON pointer (`*` for any one step; empty for the whole text) to the kind of value. */
export type VolatileRules = Readonly<Record<string, string>>;

interface Located {
  readonly pointer: string;
  readonly start: number;
  readonly end: number;
  readonly isString: boolean;
}

const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const duration = /^-?(?:\d+(?:\.\d+)?(?:h|m|s|ms|µs|us|ns))+$/;
const address = /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d+$/;
const scalar = /"(?:[^"\\]|\\.)*"|[^\s,\]}:]+/y;

/** The text with volatile values replaced by `"$kind"`; a value of another kind stays as it is. */
export const withoutVolatile = (text: string, rules: VolatileRules): string => {
  const whole = rules[''];
  if (whole?.startsWith('pattern:') === true && new RegExp(whole.slice(8), 'su').test(text)) {
    return `$${whole}`;
  }
  const entries = Object.entries(rules).filter(([pointer]) => pointer !== '');
  if (entries.length === 0) return text;
  let result = '';
  let last = 0;
  for (const value of scalarsOf(text)) {
    const kind = entries.find(([pointer]) => matches(pointer, value.pointer))?.[1];
    const raw = text.slice(value.start, value.end);
    if (kind === undefined || !isOfKind(kind, value.isString, raw)) continue;
    result += `${text.slice(last, value.start)}${JSON.stringify(`$${kind}`)}`;
    last = value.end;
  }
  return result + text.slice(last);
};

const matches = (rule: string, pointer: string): boolean => {
  const wanted = rule.split('/');
  const given = pointer.split('/');
  return (
    wanted.length === given.length && wanted.every((part, at) => part === '*' || part === given[at])
  );
};

const isOfKind = (kind: string, isString: boolean, raw: string): boolean => {
  const text = isString ? String(JSON.parse(raw)) : raw;
  if (kind.startsWith('pattern:')) return isString && new RegExp(kind.slice(8), 'u').test(text);
  switch (kind) {
    case 'ignore':
      return true;
    case 'number':
      return !isString && Number.isFinite(Number(text));
    case 'integer':
      return !isString && /^-?\d+$/.test(text);
    case 'string':
      return isString;
    case 'timestamp':
      return isString && timestamp.test(text);
    case 'duration':
      return isString && duration.test(text);
    case 'address':
      return isString && address.test(text);
    default:
      throw new Error(`unknown kind of volatile value: ${kind}`);
  }
};

/** Strings, numbers and words of a JSON text with their pointers; keys are no values. */
const scalarsOf = (text: string): readonly Located[] => {
  const found: Located[] = [];
  const path: (string | number)[] = [];
  let key: string | undefined;
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at);
    if (character === '{') path.push('');
    else if (character === '[') path.push(0);
    else if (character === '}' || character === ']') path.pop();
    else if (character === ':') path[path.length - 1] = key ?? '';
    else if (character === ',') {
      const place = path.at(-1);
      if (typeof place === 'number') path[path.length - 1] = place + 1;
    } else if (!/\s/.test(character)) {
      scalar.lastIndex = at;
      const raw = scalar.exec(text)?.[0] ?? character;
      const end = at + raw.length;
      const isString = character === '"';
      if (isString && /^\s*:/.test(text.slice(end, end + 8))) key = String(JSON.parse(raw));
      else found.push({ pointer: `/${path.join('/')}`, start: at, end, isString });
      at = end;
      continue;
    }
    at += 1;
  }
  return found;
};
