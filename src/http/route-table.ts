// Every route there is. Tests walk this table: routes times permissions, routes times methods.
import type { Route } from './route.ts';
import { dbExecute } from './routes/db-execute.ts';
import { dbQuery } from './routes/db-query.ts';
import { dbRequest } from './routes/db-request.ts';
import { dbSql } from './routes/db-sql.ts';
import { leader } from './routes/leader.ts';
import { nodes } from './routes/nodes.ts';
import { readyz } from './routes/readyz.ts';
import { status } from './routes/status.ts';
import { whoami } from './routes/whoami.ts';

/** All routes. */
export const routes: readonly Route[] = [
  dbExecute,
  dbQuery,
  dbRequest,
  dbSql,
  status,
  nodes,
  leader,
  readyz,
  whoami,
];

/** The methods of each path, as an Allow header lists them. */
export const methodsByPath: ReadonlyMap<string, string> = new Map(
  routes.map((route) => [route.path, route.methods.join(', ')]),
);
