// The guard: says of each text whether it may run, what it touches and what it is, before any
// engine with data sees it. Tokens first, then a prepare on the twin under the authorizer. What
// cannot be judged is refused.
import { Reach } from './judge-reports.ts';
import type { JudgeRequest, Verdict } from './reader.ts';
import { refuseSchemaText } from './schema-rules.ts';
import type { Refusal } from './statement-class.ts';
import { type Piece, takeApart } from './statement-text.ts';
import { type SchemaObject, Twin } from './twin.ts';

type Allowed = Extract<Verdict, { readonly kind: 'allowed' }>;

const refused = ({ reason, hint }: Refusal): Verdict => ({
  kind: 'refused',
  code: 'statement_refused',
  reason,
  hint,
});

const tooExpensive = (reason: string): Verdict => ({
  kind: 'refused',
  code: 'statement_too_expensive',
  reason,
  hint: 'bound it, or have a user with the permission heavy run it',
});

const nothing: Allowed = {
  kind: 'allowed',
  access: 'read',
  returnsRows: false,
  parameters: 0,
  reads: [],
  writes: [],
};

const rank: Readonly<Record<Allowed['access'], number>> = { read: 0, write: 1, schema: 2 };

/** Several statements in one text: as strict as the strictest, rows of the last. */
const joined = (left: Allowed, right: Allowed): Allowed => ({
  kind: 'allowed',
  access: rank[left.access] > rank[right.access] ? left.access : right.access,
  returnsRows: right.returnsRows,
  parameters: left.parameters + right.parameters,
  reads: [...new Set([...left.reads, ...right.reads])],
  writes: [...new Set([...left.writes, ...right.writes])],
});

const accessOf = (piece: Piece): Allowed['access'] | undefined => {
  switch (piece.access) {
    case 'read':
    case 'empty':
      return 'read';
    case 'write':
      return 'write';
    case 'schema':
    case 'maintenance':
      return 'schema';
    case 'unknown':
      return undefined;
  }
};

/** A guard of one schema. */
export class Guard {
  readonly #twin = new Twin();
  readonly #broken: string | undefined;

  constructor(schema: readonly SchemaObject[]) {
    this.#broken = this.#twin.load(schema);
  }

  /** Verdicts in the order of the texts; schema statements are in force for those behind them. */
  judge(request: JudgeRequest): readonly Verdict[] {
    if (this.#broken !== undefined) {
      const reason = `the schema holds what cannot be judged: ${this.#broken}`;
      const verdict = refused({ reason, hint: 'drop it with the version that made it' });
      return request.texts.map(() => verdict);
    }
    return this.#twin.undoing(() =>
      request.texts.map((text) => this.#judgeText(text, request.heavy ?? false)),
    );
  }

  close(): void {
    this.#twin.close();
  }

  #judgeText(text: string, heavy: boolean): Verdict {
    const { pieces, refusal } = takeApart(text);
    if (refusal !== undefined) return refused(refusal);
    let all: Allowed = nothing;
    for (const piece of pieces) {
      const verdict = this.#judgePiece(piece, heavy);
      if (verdict.kind !== 'allowed') return verdict;
      all = joined(all, verdict);
    }
    return all;
  }

  #judgePiece(piece: Piece, heavy: boolean): Verdict {
    if (piece.refusal !== undefined) return refused(piece.refusal);
    const access = accessOf(piece);
    // The allow-list has judged it by its name; preparing it anywhere would run it.
    if (piece.verb === 'PRAGMA') return { ...nothing, returnsRows: true };
    const reach = new Reach(piece.access, piece.verb);
    const prepared = this.#twin.prepare(piece.text, (report) => reach.judge(report));
    if (prepared.kind === 'refused') return refused(prepared.refusal);
    if (prepared.kind === 'error') return { kind: 'error', message: prepared.message };
    if (access === undefined) {
      return refused({ reason: 'this kind of statement is not known', hint: 'leave it out' });
    }
    const verdict: Allowed = {
      kind: 'allowed',
      access,
      returnsRows: prepared.columns.length > 0,
      parameters: piece.parameters.length,
      reads: [...reach.reads],
      writes: [...reach.writes],
    };
    if (access === 'read') return verdict;
    if (reach.recursive && !heavy)
      return tooExpensive('a recursive query in a write may never end');
    return access === 'schema' && piece.access === 'schema'
      ? this.#judgeSchema(piece, reach, verdict)
      : verdict;
  }

  #judgeSchema(piece: Piece, reach: Reach, verdict: Allowed): Verdict {
    const refusal = refuseSchemaText(piece, reach.functions);
    if (refusal !== undefined) return refused(refusal);
    const error = this.#twin.apply(piece.text);
    return error === undefined ? verdict : { kind: 'error', message: error };
  }
}
