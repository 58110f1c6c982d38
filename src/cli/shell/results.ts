// What the server says of statements, read from its JSON.
import { type Cell, exactJson, NumberText } from './exact-json.ts';

/** Rows of a statement. */
export interface RowsResult {
  readonly kind: 'rows';
  readonly columns: readonly string[];
  readonly types: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** What became of one statement. */
export type StatementResult =
  | RowsResult
  | { readonly kind: 'changed'; readonly rows: string; readonly lastInsertId: string }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'failed'; readonly message: string };

const textOf = (value: unknown): string => {
  if (value instanceof NumberText) return value.digits;
  return typeof value === 'string' ? value : '';
};

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map(textOf) : [];

const resultFrom = (value: unknown): StatementResult => {
  const result = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof result['error'] === 'string') return { kind: 'failed', message: result['error'] };
  if (Array.isArray(result['columns'])) {
    const rows = Array.isArray(result['values']) ? (result['values'] as Cell[][]) : [];
    return {
      kind: 'rows',
      columns: textsOf(result['columns']),
      types: textsOf(result['types']),
      rows,
    };
  }
  if (result['rows_affected'] === undefined && result['last_insert_id'] === undefined) {
    return { kind: 'nothing' };
  }
  return {
    kind: 'changed',
    rows: textOf(result['rows_affected']) || '0',
    lastInsertId: textOf(result['last_insert_id']) || '0',
  };
};

/** The results of a request, one a statement. @throws SyntaxError */
export const resultsFrom = (text: string): readonly StatementResult[] => {
  const answer = exactJson(text) as { readonly results?: unknown; readonly error?: unknown };
  if (typeof answer.error === 'string') return [{ kind: 'failed', message: answer.error }];
  return Array.isArray(answer.results) ? answer.results.map(resultFrom) : [];
};
