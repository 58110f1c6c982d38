// Every route there is. Tests walk this table: routes times permissions, routes times methods.
import type { Route } from './route.ts';
import { authReload } from './routes/auth-reload.ts';
import { boot } from './routes/boot.ts';
import { checkConsistency, consistency } from './routes/consistency.ts';
import { consoleFile, consolePage, consoleWithoutSlash, root } from './routes/console.ts';
import { dbBackup } from './routes/db-backup.ts';
import { dbChanges } from './routes/db-changes.ts';
import { dbExecute } from './routes/db-execute.ts';
import { dbLoad } from './routes/db-load.ts';
import { dbQuery } from './routes/db-query.ts';
import { dbRequest } from './routes/db-request.ts';
import { dbSql } from './routes/db-sql.ts';
import {
  commitTransaction,
  openTransaction,
  rollBackTransaction,
  runInTransaction,
} from './routes/db-transaction.ts';
import { leader } from './routes/leader.ts';
import { licenses } from './routes/licenses.ts';
import { metrics } from './routes/metrics.ts';
import { nodes } from './routes/nodes.ts';
import { openapiFor } from './routes/openapi.ts';
import { killQuery, queries } from './routes/queries.ts';
import { readyz } from './routes/readyz.ts';
import { reap } from './routes/reap.ts';
import { remove } from './routes/remove.ts';
import { snapshot } from './routes/snapshot.ts';
import { status } from './routes/status.ts';
import { stepDown } from './routes/step-down.ts';
import { whoami } from './routes/whoami.ts';

const described: readonly Route[] = [
  dbExecute,
  dbQuery,
  dbRequest,
  dbSql,
  openTransaction,
  runInTransaction,
  rollBackTransaction,
  commitTransaction,
  dbBackup,
  dbChanges,
  dbLoad,
  boot,
  snapshot,
  status,
  nodes,
  leader,
  stepDown,
  consistency,
  checkConsistency,
  readyz,
  whoami,
  licenses,
  metrics,
  queries,
  killQuery,
  remove,
  reap,
  authReload,
  root,
  consoleWithoutSlash,
  consolePage,
  consoleFile,
];

/** All routes. */
export const routes: readonly Route[] = [...described, openapiFor(described)];

const methodsOf = (path: string): string =>
  routes.flatMap((route) => (route.path === path ? route.methods : [])).join(', ');

/** The methods of each path, as an Allow header lists them. */
export const methodsByPath: ReadonlyMap<string, string> = new Map(
  routes.map(({ path }) => [path, methodsOf(path)]),
);

/** The methods of the route that a request's path leads to; undefined: there is none. */
export const methodsFor = (path: string): string | undefined =>
  methodsByPath.get(path) ??
  methodsByPath.get(path.replace(/[^/]+$/, ':id')) ??
  methodsByPath.get(path.replace(/[^/]+(?=\/[^/]+$)/, ':id'));
