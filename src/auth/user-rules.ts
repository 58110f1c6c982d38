// The optional rules of one user in the auth file: from where it may come, which tables it may
// touch. Also how its lists of texts are read.
import { type AddressRange, addressRangeFrom } from './address-range.ts';
import { refuse } from './refuse-auth-file.ts';
import type { JsonNode } from './strict-json.ts';
import { TableRules } from './table-rules.ts';

const rangesMax = 100;
const tablesMax = 1000;
const tableNameCharactersMax = 200;
const deadlineMsMin = 10;
const deadlineMsMax = 3_600_000;

/** A text with the line it stands on. */
interface LineText {
  readonly line: number;
  readonly text: string;
}

/** The strings of a list. @throws CodedError `auth_file_invalid` when it is none */
export const textsOf = (node: JsonNode, key: string): readonly LineText[] => {
  if (node.kind !== 'array') refuse(node.line, `${JSON.stringify(key)} must be an array of names`);
  return node.items.map((item) =>
    item.kind === 'string'
      ? { line: item.line, text: item.value }
      : refuse(item.line, `${JSON.stringify(key)} must be an array of names`),
  );
};

/** A string that must be there. @throws CodedError `auth_file_invalid` */
export const textOf = (line: number, node: JsonNode | undefined, key: string): string => {
  if (node?.kind !== 'string') refuse(line, `${JSON.stringify(key)} must be a string`);
  return node.value;
};

/** `allow_from`; undefined when it is left out. @throws CodedError `auth_file_invalid` */
export const allowFromOf = (node: JsonNode | undefined): readonly AddressRange[] | undefined => {
  if (node === undefined) return undefined;
  const texts = textsOf(node, 'allow_from');
  if (texts.length === 0 || texts.length > rangesMax) {
    refuse(node.line, `"allow_from" must hold 1 to ${rangesMax} ranges of addresses`);
  }
  return texts.map(({ line, text }) => {
    const range = addressRangeFrom(text);
    return typeof range === 'string' ? refuse(line, range) : range;
  });
};

/** The deadline of reads; undefined when it is left out. @throws CodedError `auth_file_invalid` */
export const deadlineMsOf = (node: JsonNode | undefined): number | undefined => {
  if (node === undefined) return undefined;
  const ms = node.kind === 'number' ? Number(node.source) : Number.NaN;
  if (Number.isInteger(ms) && ms >= deadlineMsMin && ms <= deadlineMsMax) return ms;
  refuse(
    node.line,
    `"statement_deadline_ms" must be a whole number from ${deadlineMsMin} to ${deadlineMsMax}`,
  );
};

/** `tables`; undefined when it is left out. @throws CodedError `auth_file_invalid` */
export const tableRulesOf = (node: JsonNode | undefined): TableRules | undefined => {
  if (node === undefined) return undefined;
  if (node.kind !== 'object') {
    refuse(node.line, '"tables" must be an object with the lists "read" and "write"');
  }
  for (const [key, value] of node.members) {
    if (key !== 'read' && key !== 'write') refuse(value.line, `unknown key ${JSON.stringify(key)}`);
  }
  return new TableRules(
    tableNamesOf(node.members.get('read'), 'read'),
    tableNamesOf(node.members.get('write'), 'write'),
  );
};

const tableNamesOf = (node: JsonNode | undefined, key: string): readonly string[] => {
  if (node === undefined) return [];
  const texts = textsOf(node, key);
  if (texts.length > tablesMax) refuse(node.line, `more than ${tablesMax} tables`);
  for (const { line, text } of texts) {
    if (text.length > 0 && text.length <= tableNameCharactersMax) continue;
    refuse(line, `the name of a table has 1 to ${tableNameCharactersMax} characters`);
  }
  return texts.map(({ text }) => text);
};
