// A request body to statements, by rqlite's rules (JSON form): strings and arrays of a string and
// its parameters, mixed. Integers are exact: a number written as an integer that fits 64 bits is
// INTEGER, any other is REAL. Each distinct text is kept once.
import { isUtf8 } from 'node:buffer';
import { parseStrictJson } from '#auth/strict-json.ts';
import type { Statement } from '#command/command.ts';
import type { Value } from '#command/value.ts';
import { jsonDepthMax, parametersMax, statementBytesMax, statementsMax } from '#limits.ts';

/** Statements and the table of their texts. */
export interface Statements {
  readonly texts: readonly string[];
  readonly statements: readonly Statement[];
}

/** Why a body is not accepted; the texts are rqlite's where it has one. */
export interface BodyFault {
  readonly fault: string;
}

/** What a body without a statement is told; rqlite's words. */
export const noStatements = 'no statements';

class Fault extends Error {}

const fail = (fault: string): never => {
  throw new Fault(fault);
};

/**
 * Numbers for which JSON.parse alone is not enough: 16 digits or more (beyond 2^53), and integers
 * written as reals (`1.0`, `1e3`). It may match inside a string; that only costs time.
 */
const delicateNumber = /\d{16}|[[,:\s]-?\d+(?:\.0+(?!\d)|(?:\.\d+)?[eE])/;
const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);
const integerSource = /^-?\d+$/;
const blobText = /^\s*[xX]'((?:[0-9a-fA-F]{2})*)'\s*$/;

/** Statements of a JSON body. */
export const statementsFromJson = (body: Buffer): Statements | BodyFault => {
  try {
    return statementsFrom(body);
  } catch (error) {
    if (error instanceof Fault) return { fault: error.message };
    throw error;
  }
};

/** One statement text as the whole request: a GET's `q`, or a text/plain body. */
export const statementsFromText = (text: string): Statements | BodyFault => {
  if (text === '') return { texts: [], statements: [] };
  if (text.length > statementBytesMax) return { fault: tooLong };
  return { texts: [text], statements: [{ text: 0, positional: [], named: [] }] };
};

/** A text/plain body; it must be UTF-8. */
export const statementsFromTextBody = (body: Buffer): Statements | BodyFault =>
  isUtf8(body) ? statementsFromText(body.toString('utf8')) : { fault: notUtf8 };

const notUtf8 = 'the body is not UTF-8';
const tooLong = `a statement has more than ${statementBytesMax} bytes`;

const statementsFrom = (body: Buffer): Statements => {
  if (!isUtf8(body)) fail(notUtf8);
  const source = body.toString('utf8');
  const exact = delicateNumber.test(source);
  const parsed = parse(source, exact);
  if (!Array.isArray(parsed)) return fail('invalid request');
  if (parsed.length === 0) fail(noStatements);
  if (parsed.length > statementsMax) fail(`more than ${statementsMax} statements`);
  const table = new Map<string, number>();
  const reading = { exact, sawObject: false };
  const statements: Statement[] = [];
  for (const element of parsed) {
    const statement = statementFrom(element, table, reading);
    if (statement !== undefined) statements.push(statement);
  }
  if (reading.sawObject) refuseRepeatedKeys(source);
  return { texts: [...table.keys()], statements };
};

const parse = (source: string, exact: boolean): unknown => {
  try {
    return exact ? JSON.parse(source, exactNumber) : JSON.parse(source);
  } catch (error) {
    if (error instanceof Fault) throw error;
    // Not JSON, or (RangeError) nested deeper than the reviver can follow.
    return fail('invalid JSON body');
  }
};

/** Integers become bigint, so that whatever stays a number is REAL. */
const exactNumber = (_key: string, value: unknown, context?: { source?: string }): unknown => {
  if (typeof value !== 'number') return value;
  const source = context?.source ?? '';
  if (!integerSource.test(source))
    return Number.isFinite(value) ? value : fail(invalidNumber(source));
  const integer = BigInt(source);
  if (integer >= int64Min && integer <= int64Max) return integer;
  return Number.isFinite(value) ? value : fail(invalidNumber(source));
};

const invalidNumber = (source: string): string => `invalid number ${source.slice(0, 40)}`;

interface Reading {
  readonly exact: boolean;
  sawObject: boolean;
}

/** Undefined for an empty text, which has no result entry. */
const statementFrom = (
  element: unknown,
  table: Map<string, number>,
  reading: Reading,
): Statement | undefined => {
  const parts: readonly unknown[] = Array.isArray(element) ? element : [element];
  const text = parts[0];
  if (typeof text !== 'string') return fail('invalid request');
  if (text.length > statementBytesMax) fail(tooLong);
  if (parts.length - 1 > parametersMax) fail(`more than ${parametersMax} parameters`);
  const positional: Value[] = [];
  const named = new Map<string, Value>();
  const places: number[] = [];
  for (let at = 1; at < parts.length; at++) {
    const part = parts[at];
    if (isObject(part)) {
      addNamed(named, part, reading);
    } else {
      places.push(positional.length + named.size + 1);
      positional.push(valueFrom(part, reading.exact));
    }
  }
  if (text === '') return undefined;
  let number = table.get(text);
  if (number === undefined) {
    number = table.size;
    table.set(text, number);
  }
  if (named.size === 0) return { text: number, positional, named: none };
  const statement = { text: number, positional, named: [...named] };
  // Only where a name stands in front of a value does that take another place than its own.
  return (places.at(-1) ?? 0) > positional.length ? { ...statement, places } : statement;
};

const isObject = (part: unknown): part is object =>
  typeof part === 'object' && part !== null && !Array.isArray(part);

const none: readonly (readonly [string, Value])[] = [];

const addNamed = (named: Map<string, Value>, part: object, reading: Reading): void => {
  reading.sawObject = true;
  for (const [name, value] of Object.entries(part)) {
    if (named.has(name)) fail(`the parameter ${JSON.stringify(name)} is given twice`);
    if (named.size === parametersMax) fail(`more than ${parametersMax} parameters`);
    named.set(name, valueFrom(value, reading.exact));
  }
};

const valueFrom = (part: unknown, exact: boolean): Value => {
  if (typeof part === 'string') return textOrBlob(part);
  if (typeof part === 'number') return numberFrom(part, exact);
  if (typeof part === 'bigint' || typeof part === 'boolean' || part === null) return part;
  return Array.isArray(part) ? bytesFrom(part, exact) : fail(unsupported(part));
};

const numberFrom = (value: number, exact: boolean): Value => {
  if (!Number.isFinite(value)) fail('invalid number');
  return !exact && Number.isInteger(value) ? BigInt(value) : value;
};

/** rqlite stores a text of the form X'hex' as the bytes it spells. */
const textOrBlob = (text: string): Value => {
  if (!text.endsWith("'") && !/'\s+$/.test(text.slice(-64))) return text;
  const hex = blobText.exec(text)?.[1];
  return hex === undefined ? text : Buffer.from(hex, 'hex');
};

/** `exact`: integers came as bigint, so a number was written as something else (`1.0`). */
const bytesFrom = (items: readonly unknown[], exact: boolean): Uint8Array => {
  const bytes = Buffer.alloc(items.length);
  for (const [at, item] of items.entries()) {
    const byte = typeof item === 'bigint' ? Number(item) : item;
    if (exact && typeof item === 'number') return fail(unsupported(item));
    if (typeof byte !== 'number' || !(byte >= 0 && byte <= 255) || !Number.isInteger(byte)) {
      return fail(unsupported(item));
    }
    bytes[at] = byte;
  }
  return bytes;
};

/** The words rqlite has for a value that cannot be bound; Go's names of types are part of them. */
const unsupported = (value: unknown): string => {
  if (value === null) return 'unsupported type <nil>';
  if (Array.isArray(value)) return 'unsupported type []interface {}';
  if (typeof value === 'string') return 'unsupported type string';
  if (typeof value === 'boolean') return 'unsupported type bool';
  if (typeof value === 'number' || typeof value === 'bigint') return `unsupported type ${value}`;
  return 'unsupported type map[string]interface {}';
};

/**
 * JSON.parse keeps the last of two equal keys without a word; two readers may keep different ones.
 */
const refuseRepeatedKeys = (source: string): void => {
  const strict = parseStrictJson(source, jsonDepthMax);
  if (strict.kind === 'fault') fail(`invalid JSON body: ${strict.reason}`);
};
