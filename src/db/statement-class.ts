// What kind of statement a text is, from its tokens alone: an allow-list on the verb, before any
// SQLite library sees the text (preparing a PRAGMA already executes it). What is on no list is
// `unknown`: SQLite itself has to refuse it, and when it does not, we do.
import { looksAtSchema, pragmaAllowed } from './pragma-list.ts';
import { keywordOf, nameOf, type Token } from './tokenizer.ts';

/**
 * `read` changes nothing, `write` changes rows, `schema` changes the schema, `maintenance` rewrites
 * what is there (ANALYZE, REINDEX), `unknown` is a syntax error.
 */
export type StatementAccess = 'read' | 'write' | 'schema' | 'maintenance' | 'unknown';

/** Why a statement may not run, and what to do instead. */
export interface Refusal {
  readonly reason: string;
  readonly hint: string;
}

/** A classified statement. */
export interface StatementClass {
  readonly access: StatementAccess;
  /** Verb in upper case (`INSERT`), that of the explained statement under EXPLAIN. */
  readonly verb: string;
  /** EXPLAIN or EXPLAIN QUERY PLAN stands before it. */
  readonly explained: boolean;
  readonly refusal: Refusal | undefined;
}

type ReasonAndHint = readonly [reason: string, hint: string];

const transactionHint: ReasonAndHint = [
  'transactions by hand would leak into requests of others',
  'send the statements together with ?transaction, or use POST /db/transaction',
];
const pragmaHint: ReasonAndHint = [
  'this PRAGMA changes or shows settings of the server',
  'use the settings of the node or of the cluster instead',
];

const refusedVerbs = new Map<string, ReasonAndHint>([
  ['ATTACH', ['ATTACH opens files of the server', 'load data with /db/load instead']],
  ['DETACH', ['DETACH changes the connection for others', 'there is nothing to detach']],
  [
    'VACUUM',
    [
      'VACUUM rewrites the file beneath the replicated state, and can write other files',
      'use /db/backup?vacuum for a compact copy',
    ],
  ],
  ['BEGIN', transactionHint],
  ['COMMIT', transactionHint],
  ['END', transactionHint],
  ['ROLLBACK', transactionHint],
  ['SAVEPOINT', transactionHint],
  ['RELEASE', transactionHint],
]);

const accessOfVerb: Readonly<Record<string, StatementAccess>> = {
  SELECT: 'read',
  VALUES: 'read',
  PRAGMA: 'read',
  INSERT: 'write',
  REPLACE: 'write',
  UPDATE: 'write',
  DELETE: 'write',
  CREATE: 'schema',
  DROP: 'schema',
  ALTER: 'schema',
  REINDEX: 'maintenance',
  ANALYZE: 'maintenance',
};

const afterWith = new Set(['SELECT', 'VALUES', 'INSERT', 'REPLACE', 'UPDATE', 'DELETE']);

/** The verb behind WITH: the first one outside all parentheses. */
const verbAfterWith = (text: string, tokens: readonly Token[], from: number): string => {
  let depth = 0;
  for (const token of tokens.slice(from)) {
    if (token.kind === 'open') depth += 1;
    else if (token.kind === 'close') depth -= 1;
    else if (depth === 0) {
      const word = keywordOf(text, token);
      if (afterWith.has(word)) return word;
    }
  }
  return '';
};

const virtualModules = new Set(['fts5', 'rtree', 'rtree_i32', 'geopoly']);

const refusal = (reason: string, hint: string): Refusal => ({ reason, hint });

const temporary: Refusal = {
  reason: 'temporary objects live on one connection of one node',
  hint: 'create an ordinary table and drop it when done',
};

const schemaVerbs = new Set(['CREATE', 'DROP', 'ALTER']);

/** The temporary schema named as such: `temp.x`. */
const namesTemp = (text: string, tokens: readonly Token[]): boolean =>
  tokens.some((token, at) => nameOf(text, token) === 'temp' && tokens[at + 1]?.kind === 'dot');

const createRefusal = (text: string, tokens: readonly Token[], at: number): Refusal | undefined => {
  const next = keywordOf(text, tokens[at + 1]);
  if (next === 'TEMP' || next === 'TEMPORARY') return temporary;
  if (next !== 'VIRTUAL') return undefined;
  const using = tokens.findIndex((token) => keywordOf(text, token) === 'USING');
  const module = nameOf(text, tokens[using + 1]);
  if (using >= 0 && virtualModules.has(module)) return undefined;
  return refusal(
    `virtual tables of the module ${module === '' ? '(none)' : module} are not offered`,
    'the modules fts5, rtree, rtree_i32 and geopoly are',
  );
};

/** Names that no statement may hold, quoted or not: they reach beyond the data. */
const deniedNames = new Set([
  'dbstat',
  'sqlite_dbpage',
  'load_extension',
  'fts3_tokenizer',
  'sqlite_log',
  'fts5_locale',
]);
const internalPrefix = '_stockade_';

/** Whether a name is reserved for this program or reaches beyond the data. */
export const isDeniedName = (name: string): boolean =>
  deniedNames.has(name) ||
  name.startsWith(internalPrefix) ||
  (name.startsWith('pragma_') && !pragmaAllowed(name.slice('pragma_'.length), true));

/** Whether a name belongs to this program's own tables. */
export const isInternalName = (name: string): boolean => name.startsWith(internalPrefix);

const beforeTables = new Set(['FROM', 'JOIN', 'INTO', 'UPDATE', 'TABLE']);

const deniedNameIn = (text: string, tokens: readonly Token[]): string | undefined => {
  for (const [at, token] of tokens.entries()) {
    const named = token.kind === 'word' || token.kind === 'name';
    // SQLite takes a string for a name where only a name can stand.
    const tableString =
      token.kind === 'string' && beforeTables.has(keywordOf(text, tokens[at - 1]));
    const name = named || tableString ? nameOf(text, token) : '';
    if (isDeniedName(name)) return name;
  }
  return undefined;
};

const pragmaRefusal = (text: string, tokens: readonly Token[], at: number): Refusal | undefined => {
  // PRAGMA [schema .] name [= value | (value)]: the name is what decides, in any quotes.
  const qualified = tokens[at + 2]?.kind === 'dot';
  const nameAt = qualified ? at + 3 : at + 1;
  const name = nameOf(text, tokens[nameAt]);
  const rest = tokens.slice(nameAt + 1);
  const schema = qualified ? nameOf(text, tokens[at + 1]) : 'main';
  const form = rest.length === 0 || (rest[0]?.kind === 'open' && rest.at(-1)?.kind === 'close');
  // Tools look into `temp` for tables, where there are none; nothing but a look is open there.
  const there = schema === 'main' || (schema === 'temp' && looksAtSchema(name) && rest.length > 0);
  if (there && form && pragmaAllowed(name, rest.length > 0)) return undefined;
  const [reason, hint] = pragmaHint;
  return refusal(`${reason}: ${name === '' ? '(no name)' : name}`, hint);
};

const refusalOf = (
  text: string,
  tokens: readonly Token[],
  at: number,
  verb: string,
): Refusal | undefined => {
  if (verb === 'PRAGMA') return pragmaRefusal(text, tokens, at);
  const known = refusedVerbs.get(verb);
  if (known !== undefined) return refusal(known[0], known[1]);
  if (schemaVerbs.has(verb) && namesTemp(text, tokens)) return temporary;
  if (verb === 'CREATE') {
    const refused = createRefusal(text, tokens, at);
    if (refused !== undefined) return refused;
  }
  const denied = deniedNameIn(text, tokens);
  if (denied !== undefined) {
    return refusal(`the name ${denied} is not open to statements`, 'use another name');
  }
  return undefined;
};

const writes = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE']);

const orRollback = (text: string, tokens: readonly Token[], verb: string): boolean =>
  writes.has(verb) &&
  tokens.some(
    (token, at) =>
      keywordOf(text, token) === 'OR' && keywordOf(text, tokens[at + 1]) === 'ROLLBACK',
  );

/**
 * Classifies one statement by its tokens, which hold no semicolon but those of a trigger's body.
 */
export const classify = (text: string, tokens: readonly Token[]): StatementClass => {
  const explained = keywordOf(text, tokens[0]) === 'EXPLAIN';
  const plan = explained && keywordOf(text, tokens[1]) === 'QUERY';
  const at = explained ? (plan ? 3 : 1) : 0;
  const first = keywordOf(text, tokens[at]);
  const verb = first === 'WITH' ? verbAfterWith(text, tokens, at + 1) : first;
  const access = accessOfVerb[verb] ?? 'unknown';
  if (orRollback(text, tokens, verb)) {
    const refused = refusal('OR ROLLBACK ends the transaction of others', 'use OR ABORT');
    return { access, verb, explained, refusal: refused };
  }
  const refused = refusalOf(text, tokens, at, verb);
  const effective = explained && access !== 'unknown' ? 'read' : access;
  return { access: effective, verb, explained, refusal: refused };
};
