// A small server of rqlite's API on a real SQLite, for the tests of the tools: enough to load and
// to query, nothing that a product would have to match. Holds no test itself.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type Database from 'better-sqlite3';

type Statement = string | readonly [string, ...unknown[]];

const run = (database: Database.Database, statement: Statement, refused: RegExp): unknown => {
  const [text, ...parameters] = typeof statement === 'string' ? [statement] : statement;
  if (refused.test(text)) return { error: 'refused' };
  try {
    const prepared = database.prepare(text);
    if (prepared.reader) return { values: prepared.raw().all(...parameters) };
    return { rows_affected: prepared.run(...parameters).changes };
  } catch (error) {
    return { error: String(error) };
  }
};

/** A running server. */
export interface SqliteServer extends AsyncDisposable {
  readonly url: string;
  /** Paths with queries, in the order in which they were asked. */
  readonly asked: readonly string[];
}

/**
 * Serves a database over plain HTTP; statements that match `refused` are answered with an error.
 */
export const serveSqlite = async (
  database: Database.Database,
  refused = /^$/,
): Promise<SqliteServer> => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const statements = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Statement[];
      const results = statements.map((statement) => run(database, statement, refused));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ results }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
