// The guard: says of each text whether it may run, what it touches and what it is, before any
// engine with data sees it. Tokens first, then a prepare on the twin under the authorizer. What
// cannot be judged is refused.
import { withStrings } from './double-quoted.ts';
import type { Instruction } from './explain.ts';
import type { Cost, StatementCost } from './judge-cost.ts';
import { Reach } from './judge-reports.ts';
import type { JudgeRequest, Verdict } from './reader.ts';
import { refuseSchemaText, repeatedName, selectedText } from './schema-rules.ts';
import type { Refusal } from './statement-class.ts';
import { type Piece, recordedError, type StatementText, takeApart } from './statement-text.ts';
import { keywordOf, nameOf } from './tokenizer.ts';
import { type Report, type SchemaObject, Twin } from './twin.ts';
import { takesUnordered } from './unordered-limit.ts';

type Allowed = Extract<Verdict, { readonly kind: 'allowed' }>;

const refused = ({ reason, hint }: Refusal): Verdict => ({
  kind: 'refused',
  code: 'statement_refused',
  reason,
  hint,
});

/** Copies of views and common tables in one write: some 50 ms to prepare at worst. */
const expansionsMax = 500;

const tooExpensive = (
  reason: string,
  hint = 'bound it, or have a user with the permission heavy run it',
): Verdict => ({ kind: 'refused', code: 'statement_too_expensive', reason, hint });

const nothing: Allowed = {
  kind: 'allowed',
  access: 'read',
  returnsRows: false,
  parameters: 0,
  reads: [],
  writes: [],
  cost: 'small',
  copies: 1,
  frees: false,
  unordered: false,
};

const costRank: Readonly<Record<Cost, number>> = { small: 0, large: 1, unbounded: 2 };

const failed = (message: string): Verdict => ({
  kind: 'error',
  message,
  instead: recordedError(message),
});

const rank: Readonly<Record<Allowed['access'], number>> = { read: 0, write: 1, schema: 2 };

/** A statement's verdict, and its text where that is not the one that was sent. */
interface PieceVerdict {
  readonly verdict: Verdict;
  readonly instead: string | undefined;
}

const asItIs = (verdict: Verdict): PieceVerdict => ({ verdict, instead: undefined });

/** Several statements in one text: as strict as the strictest, rows of the last. */
const joined = (left: Allowed, right: Allowed): Allowed => ({
  kind: 'allowed',
  access: rank[left.access] > rank[right.access] ? left.access : right.access,
  returnsRows: right.returnsRows,
  parameters: left.parameters + right.parameters,
  reads: [...new Set([...left.reads, ...right.reads])],
  writes: [...new Set([...left.writes, ...right.writes])],
  cost: costRank[left.cost] > costRank[right.cost] ? left.cost : right.cost,
  copies: Math.max(left.copies, right.copies),
  frees: right.frees && (left === nothing || left.frees),
  unordered: left.unordered || right.unordered,
});

const accessOf = (piece: Piece): Allowed['access'] | undefined => {
  switch (piece.access) {
    case 'read':
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

/**
 * Says what a statement may cost; asks for its program on the twin when the request makes its
 * tables.
 */
export type JudgeCost = (piece: Piece, onTwin: () => readonly Instruction[]) => StatementCost;

const endless: StatementCost = { cost: 'unbounded', copies: 1 };

/** Whether nodes prepare a query of its own; to judge CREATE VIEW its query is prepared, too. */
const preparesQuery = ({ access, verb, text, tokens }: Piece): boolean =>
  access === 'write' ||
  (verb === 'CREATE' && ['TABLE', 'VIEW'].includes(keywordOf(text, tokens[1])));

/** What holds for all statements of a request. */
interface Setting {
  readonly heavy: boolean;
  /** The request has one statement only. */
  readonly alone: boolean;
  readonly doubleQuotedStrings: boolean;
}

/** A PRAGMA by the name of the table that gives the same rows. */
const pragmaRead = ({ text, tokens }: Piece): string => {
  const at = tokens.findIndex((token) => keywordOf(text, token) === 'PRAGMA');
  const qualified = tokens[at + 2]?.kind === 'dot';
  return `pragma_${nameOf(text, tokens[at + (qualified ? 3 : 1)])}`;
};

/** Its effect on the plans of later statements would depend on where a batch ends. */
const analyzeAlone: Refusal = {
  reason: 'ANALYZE changes how other statements run',
  hint: 'send it as the only statement of a request',
};

/** Statements that make room: the only ones a disk that is nearly full still takes. */
const freeingVerbs: ReadonlySet<string> = new Set(['DELETE', 'DROP']);

/** What only users with the permission `heavy` may run. */
const refuseCost = (piece: Piece, cost: Cost): Verdict | undefined => {
  if (cost === 'small' || piece.access === 'read') return undefined;
  if (cost === 'unbounded') return tooExpensive('nothing bounds how long this write may run');
  const kept = piece.access === 'schema' || piece.access === 'maintenance';
  return kept ? tooExpensive('this changes the schema over a large table') : undefined;
};

/** A guard of one schema. */
export class Guard {
  readonly #twin = new Twin();
  readonly #broken: string | undefined;
  readonly #costOf: JudgeCost;

  constructor(schema: readonly SchemaObject[], costOf: JudgeCost) {
    this.#costOf = costOf;
    this.#broken = this.#twin.load(schema);
  }

  /** Verdicts in the order of the texts; schema statements are in force for those behind them. */
  judge(request: JudgeRequest): readonly Verdict[] {
    if (this.#broken !== undefined) {
      const reason = `the schema holds what cannot be judged: ${this.#broken}`;
      const verdict = refused({ reason, hint: 'drop it with the version that made it' });
      return request.texts.map(() => verdict);
    }
    const texts = request.texts.map(takeApart);
    const alone = texts.flatMap(({ pieces }) => pieces).length === 1;
    const { heavy = false, doubleQuotedStrings = false } = request;
    const setting = { heavy, alone, doubleQuotedStrings };
    return this.#twin.undoing(() => texts.map((text) => this.#judgeText(text, setting)));
  }

  close(): void {
    this.#twin.close();
  }

  #judgeText({ pieces, refusal }: StatementText, setting: Setting): Verdict {
    if (refusal !== undefined) return refused(refusal);
    let all: Allowed = nothing;
    let changed = false;
    const texts: string[] = [];
    for (const piece of pieces) {
      const { verdict, instead } = this.#judgeWithStrings(piece, setting);
      if (verdict.kind !== 'allowed') return verdict;
      all = joined(all, verdict);
      changed ||= instead !== undefined;
      texts.push(instead ?? piece.text);
    }
    return changed ? { ...all, instead: texts.join('; ') } : all;
  }

  /** Judges a statement; one that fails for a string in double quotes with single ones. */
  #judgeWithStrings(piece: Piece, setting: Setting): PieceVerdict {
    const verdict = this.#judgePiece(piece, setting);
    if (verdict.kind !== 'error' || !setting.doubleQuotedStrings) return asItIs(verdict);
    const instead = withStrings(piece, verdict.message, (text) => this.#errorOf(text));
    const [rewritten, ...others] = instead === undefined ? [] : takeApart(instead).pieces;
    if (rewritten === undefined || others.length > 0) return asItIs(verdict);
    return { verdict: this.#judgePiece(rewritten, setting), instead };
  }

  /** What it may reach does not matter here: the text that prepares is judged by itself. */
  #errorOf(text: string): string | undefined {
    const prepared = this.#twin.prepare(text, () => undefined);
    return prepared.kind === 'error' ? prepared.message : undefined;
  }

  #judgePiece(piece: Piece, setting: Setting): Verdict {
    if (piece.refusal !== undefined) return refused(piece.refusal);
    const access = accessOf(piece);
    if (piece.verb === 'ANALYZE' && !piece.explained && !setting.alone) {
      return refused(analyzeAlone);
    }
    // The allow-list has judged it by its name; preparing it anywhere would run it.
    if (piece.verb === 'PRAGMA')
      return { ...nothing, returnsRows: true, reads: [pragmaRead(piece)] };
    // Every node would have to prepare it, whoever may wait for it.
    if (preparesQuery(piece) && this.#twin.expansion().of(piece) > expansionsMax) {
      const reason = `this expands to more than ${expansionsMax} views`;
      return tooExpensive(reason, 'name fewer of them, or keep what they show in a table');
    }
    const reach = new Reach(piece, this.#readsShadow(piece));
    const prepared = this.#twin.prepare(piece.text, (report) => reach.judge(report));
    if (prepared.kind === 'refused') return refused(prepared.refusal);
    if (prepared.kind === 'error') return failed(prepared.message);
    if (access === undefined) {
      return refused({ reason: 'this kind of statement is not known', hint: 'leave it out' });
    }
    const { cost, copies } = reach.recursive
      ? endless
      : this.#costOf(piece, () => this.#twin.explain(piece));
    if (!setting.heavy) {
      const expensive = refuseCost(piece, cost);
      if (expensive !== undefined) return expensive;
    }
    const verdict: Allowed = {
      kind: 'allowed',
      access,
      returnsRows: prepared.columns.length > 0,
      parameters: piece.parameters.length,
      reads: this.#readsOf(reach),
      writes: [...reach.writes],
      cost,
      copies,
      frees: !piece.explained && freeingVerbs.has(piece.verb),
      unordered: access !== 'read' && this.#takesUnordered(piece),
    };
    return piece.access === 'schema' ? this.#judgeSchema(piece, verdict) : verdict;
  }

  /**
   * A virtual table reads its own shadow tables, too; the statement does when it names one, or goes
   * through a view or a trigger that does.
   */
  #readsShadow({ access, text, tokens }: Piece): (report: Report) => boolean {
    if (access === 'read') return () => false;
    const shadows = this.#twin.shadowTables();
    return ({ first, through }) => {
      const name = (first ?? '').toLowerCase();
      if (!shadows.has(name)) return false;
      return through !== null || tokens.some((token) => nameOf(text, token) === name);
    };
  }

  /** A view takes no rows by itself: the write that uses it would have to say in which order. */
  #takesUnordered(piece: Piece): boolean {
    const isView = piece.tokens.some((token) => keywordOf(piece.text, token) === 'VIEW');
    return (
      !isView && takesUnordered(piece, (table, columns) => this.#twin.isUnique(table, columns))
    );
  }

  /** A name that was read without a column and is no table stands for a subquery. */
  #readsOf({ reads, bare, writes }: Reach): readonly string[] {
    const tables = [...bare].filter(
      (name) => !reads.has(name) && (/^(?:sqlite|pragma)_/i.test(name) || this.#twin.has(name)),
    );
    const found = [...reads, ...tables];
    if (this.#twin.contentTables().size === 0) return found;
    // Commands of an index (`rebuild`) read, too.
    return [...new Set([...found, ...this.#contentOf([...found, ...writes])])];
  }

  /** What full-text indexes among `tables` show of other tables, views taken apart. */
  #contentOf(tables: readonly string[]): readonly string[] {
    return tables.flatMap((table) => {
      const content = this.#twin.contentTables().get(table.toLowerCase());
      if (content === undefined) return [];
      const text = `SELECT * FROM "${content.replaceAll('"', '""')}"`;
      const reach = new Reach({ access: 'read', verb: 'SELECT' });
      this.#twin.prepare(text, (report) => reach.judge(report));
      return [content, ...reach.reads, ...reach.bare];
    });
  }

  #judgeSchema(piece: Piece, verdict: Allowed): Verdict {
    const refusal = refuseSchemaText(piece);
    if (refusal !== undefined) return refused(refusal);
    const selected = selectedText(piece);
    const repeated =
      selected?.namesColumns === true ? this.#repeatedName(selected.select) : undefined;
    if (repeated !== undefined) {
      const reason = `the column name ${repeated} occurs twice`;
      return refused({ reason, hint: 'give each column a name of its own with AS' });
    }
    const fill = selected?.fillsTable === true ? this.#judgeFill(selected.select) : undefined;
    if (fill !== undefined) return refused(fill);
    const error = this.#twin.apply(selected?.emptied ?? piece.text);
    return error === undefined ? verdict : failed(error);
  }

  /** What CREATE TABLE AS stores is judged as what INSERT does. */
  #judgeFill(select: string): Refusal | undefined {
    const pieces = takeApart(select).pieces.map((piece) => ({
      ...piece,
      access: 'write' as const,
    }));
    for (const piece of pieces) {
      const reach = new Reach(piece, this.#readsShadow(piece));
      const prepared = this.#twin.prepare(select, (report) => reach.judge(report));
      if (prepared.kind === 'refused') return prepared.refusal;
    }
    return undefined;
  }

  /** A view may name tables that do not exist yet: nothing is known of its columns then. */
  #repeatedName(select: string): string | undefined {
    const prepared = this.#twin.prepare(select, () => undefined);
    return prepared.kind === 'prepared' ? repeatedName(prepared.columns) : undefined;
  }
}
