// Interactive transactions: POST /db/transaction opens one, POST /db/transaction/:id runs
// statements in it, POST /db/transaction/:id/commit and DELETE /db/transaction/:id end it. The
// leader holds it; other nodes pass each step on.

import type { Permission } from '#auth/permission.ts';
import { isTransactionId } from '#command/command.ts';
import type { ErrorCode } from '#errors.ts';
import { codedAnswer } from '#http/coded-answer.ts';
import type { Exchange } from '#http/exchange.ts';
import { resultParameters } from '#http/parameter-list.ts';
import type { DataRoute } from '#http/route.ts';
import { dataErrors } from '#http/route-about.ts';
import type { Services } from '#http/services.ts';
import { statementsFromJson } from '#http/statements-from-body.ts';
import { runStatements, runTransactionStep } from './data-route.ts';

const base = {
  kind: 'data',
  permissions: ['transaction', 'query', 'execute'] as readonly Permission[],
  anonymous: false,
  changes: true,
} as const;

/** Codes of every step. */
const errors: readonly ErrorCode[] = [...dataErrors, 'leadership_lost', 'transaction_ended'];

/** The transaction that the path names; answers and gives undefined when it can name none. */
const idOf = (exchange: Exchange): string | undefined => {
  const id = exchange.path.split('/')[3] ?? '';
  if (isTransactionId(id)) return id;
  exchange.error(codedAnswer('transaction_ended', 'There is no such transaction', 'no'));
  return undefined;
};

/** Opens one. */
export const openTransaction: DataRoute = {
  ...base,
  path: '/db/transaction',
  methods: ['POST'],
  media: [],
  about: {
    summary: 'Opens an interactive transaction.',
    parameters: ['pretty', 'timeout', 'redirect'],
    answers: { 200: 'transaction', 301: 'none' },
    errors,
  },
  handle: (exchange, _body, services) => {
    runTransactionStep('transaction-open', exchange, '', services);
  },
};

/** Runs statements in one. */
export const runInTransaction: DataRoute = {
  ...base,
  path: '/db/transaction/:id',
  methods: ['POST'],
  media: ['application/json'],
  about: {
    summary: 'Runs statements in an interactive transaction; they see what it wrote before.',
    parameters: [...resultParameters, 'qualify_columns', 'timeout', 'redirect'],
    answers: { 200: 'results', 301: 'none' },
    errors: [...errors, 'statement_too_expensive', 'transaction_conflict'],
  },
  handle: (exchange, body, services) => {
    const id = idOf(exchange);
    if (id === undefined) return;
    runStatements('transaction-run', exchange, statementsFromJson(body), services, id);
  },
};

/** Commits one. */
export const commitTransaction: DataRoute = {
  ...base,
  path: '/db/transaction/:id/commit',
  methods: ['POST'],
  media: [],
  about: {
    summary: 'Commits an interactive transaction; sent again it says what came of it.',
    parameters: ['pretty', 'timeout', 'redirect'],
    answers: { 200: 'transactionEnd', 301: 'none' },
    errors: [
      ...errors,
      ...(['statement_too_expensive', 'transaction_conflict', 'key_reused', 'disk_full'] as const),
    ],
    keyed: true,
  },
  handle: (exchange, _body, services) => {
    endWith('transaction-commit', exchange, services);
  },
};

/** Rolls one back. */
export const rollBackTransaction: DataRoute = {
  ...base,
  path: '/db/transaction/:id',
  methods: ['DELETE'],
  media: [],
  about: {
    summary: 'Rolls an interactive transaction back.',
    parameters: ['pretty', 'timeout', 'redirect'],
    answers: { 200: 'transactionEnd', 301: 'none' },
    errors,
  },
  handle: (exchange, _body, services) => {
    endWith('transaction-rollback', exchange, services);
  },
};

const endWith = (
  kind: 'transaction-commit' | 'transaction-rollback',
  exchange: Exchange,
  services: Services,
): void => {
  const id = idOf(exchange);
  if (id !== undefined) runTransactionStep(kind, exchange, id, services);
};
