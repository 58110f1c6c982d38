// Loads a file of SQL into a running server, in bulks through /db/execute. Transaction control and
// pragmas of the file are left out and counted: a request is the server's own transaction.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type SqlStatement, splitSql } from '#cli/shell/split-sql.ts';
import { type Answer, ask, type ServerTarget, targetFrom } from './server-target.ts';

const help = `usage: node tools/run.mjs tools/load-sql.ts FILE [options]

  --cluster FILE         cluster.json of \`stockade up\`
  --url URL              a server that speaks rqlite's API
  --ca FILE              its authority, PEM
  --user NAME            with --password-file FILE
  --bulk N               statements a request (100)
  --transaction          each request all or nothing

example: node tools/run.mjs tools/load-sql.ts test/data/chinook/Chinook_Sqlite.sql \\
           --cluster stockade-data/cluster.json

exit codes: 0 loaded, 1 a statement failed, 2 wrong usage, 4 no server
`;

/** Left out: each request is a transaction or is not, and pragmas are the server's business. */
const leftOut = new Set(['BEGIN', 'COMMIT', 'END', 'PRAGMA']);

/** A request stays well under the server's limit on bodies. */
const bulkBytesMax = 512 * 1024;

const bulksOf = (statements: readonly SqlStatement[], size: number): readonly SqlStatement[][] => {
  const bulks: SqlStatement[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const statement of statements) {
    const length = Buffer.byteLength(statement.text);
    const bulk = bulks.at(-1);
    if (bulk === undefined || bulk.length >= size || bytes + length > bulkBytesMax) {
      bulks.push([statement]);
      bytes = length;
    } else {
      bulk.push(statement);
      bytes += length;
    }
  }
  return bulks;
};

interface ExecuteReply {
  readonly results?: readonly { readonly error?: string; readonly rows_affected?: number }[];
  readonly error?: string;
}

const triesMax = 10;
const pauseMs = 500;

/** The server took nothing, or applies what carries the same key once: it can be sent again. */
const mayBeSentAgain = ({ status, body }: Answer): boolean => {
  if (status !== 503 && status !== 504 && status !== 429) return false;
  try {
    const { applied } = JSON.parse(body.toString('utf8')) as { readonly applied?: unknown };
    return applied === 'no' || applied === 'unknown';
  } catch {
    return false;
  }
};

const sent = async (target: ServerTarget, path: string, body: string): Promise<Answer> => {
  const headers = { 'idempotency-key': randomUUID() };
  for (let tries = 1; ; tries++) {
    const answer = await ask(target, 'POST', path, body, headers);
    if (tries === triesMax || !mayBeSentAgain(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
};

/** Loads one bulk and returns the rows it changed. @throws Error that names the statement */
const load = async (
  target: ServerTarget,
  bulk: readonly SqlStatement[],
  path: string,
): Promise<number> => {
  const answer = await sent(target, path, JSON.stringify(bulk.map(({ text }) => text)));
  const body = answer.body.toString('utf8');
  if (answer.status !== 200) throw new Error(`HTTP ${answer.status}: ${body.trim()}`);
  const reply = JSON.parse(body) as ExecuteReply;
  if (reply.error !== undefined) throw new Error(reply.error);
  let rows = 0;
  for (const [index, result] of (reply.results ?? []).entries()) {
    if (result.error !== undefined) {
      throw new Error(`line ${bulk[index]?.line ?? 0}: ${result.error}`);
    }
    // Only of statements that change rows; after others SQLite repeats the count before.
    const changes = /^(?:INSERT|UPDATE|DELETE|REPLACE|WITH)$/.test(bulk[index]?.verb ?? '');
    if (changes) rows += result.rows_affected ?? 0;
  }
  return rows;
};

const optionsFrom = (parameters: readonly string[]) => {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    allowPositionals: true,
    options: {
      cluster: { type: 'string' },
      url: { type: 'string' },
      ca: { type: 'string' },
      user: { type: 'string' },
      'password-file': { type: 'string' },
      bulk: { type: 'string', default: '100' },
      transaction: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const place = values.url ?? values.cluster;
  const bulk = Number(values.bulk);
  const [file] = positionals;
  if (values.help) return undefined;
  if (file === undefined || place === undefined || positionals.length > 1) {
    throw new Error('name one file, and a server with --cluster or --url');
  }
  if (!Number.isInteger(bulk) || bulk < 1) throw new Error('--bulk is a whole number from 1');
  const wish = {
    place,
    caFile: values.ca,
    user: values.user,
    passwordFile: values['password-file'],
  };
  return { file, bulk, wish, transaction: values.transaction };
};

const main = async (): Promise<number> => {
  let options: ReturnType<typeof optionsFrom>;
  try {
    options = optionsFrom(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`load-sql: ${String(error)}\n\n${help}`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(help);
    return 0;
  }
  const all = splitSql(readFileSync(options.file, 'utf8'));
  const statements = all.filter(({ verb }) => !leftOut.has(verb));
  for (const { verb, line } of all.filter((statement) => leftOut.has(statement.verb))) {
    process.stderr.write(`load-sql: line ${line}: ${verb} is left out\n`);
  }
  const path = `/db/execute${options.transaction ? '?transaction' : ''}`;
  let rows = 0;
  let loaded = 0;
  try {
    const target = await targetFrom(options.wish);
    for (const bulk of bulksOf(statements, options.bulk)) {
      rows += await load(target, bulk, path);
      loaded += bulk.length;
    }
  } catch (error) {
    process.stderr.write(`load-sql: after ${loaded} statements: ${String(error)}\n`);
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ECONNREFUSED' || code === 'ENOTFOUND' ? 4 : 1;
  }
  process.stdout.write(
    `${loaded} statements, ${rows} rows, ${all.length - statements.length} left out\n`,
  );
  return 0;
};

process.exitCode = await main();
