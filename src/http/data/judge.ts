// Asks what the guard says of a request's statements: from memory when every text is known, else
// from a reader. A refusal of one statement refuses the request; nothing of it is done then.
import type { TableRules } from '#auth/table-rules.ts';
import type { Statement } from '#command/command.ts';
import type { Value } from '#command/value.ts';
import type { ErrorCode } from '#errors.ts';
import type {
  Backend,
  BackendCost,
  BackendRefusal,
  BackendVerdict,
  BackendVerdicts,
} from '#http/backend.ts';
import { type CodedAnswer, codedAnswer } from '#http/coded-answer.ts';
import { judgeDeadlineMs } from '#http/front-limits.ts';
import { amplifiedBytesMax } from '#limits.ts';
import { caught, type OnFault } from './guarded.ts';
import { VerdictCache } from './verdict-cache.ts';

/** What holds for the statements of a request together. */
export type Judgement =
  | {
      readonly kind: 'judged';
      readonly schemaIndex: number;
      /** The farthest-reaching of the statements. */
      readonly access: 'read' | 'write' | 'schema';
      /** The costliest of the statements. */
      readonly cost: BackendCost;
      /** All of them only make room. */
      readonly frees: boolean;
      /** Some statement takes rows by LIMIT in no fixed order. */
      readonly unordered: boolean;
      /** Some statement cannot be prepared; it gets an error entry in the results. */
      readonly faulty: boolean;
      /** What may go into the log: texts that were not judged as they are, are replaced. */
      readonly texts: readonly string[];
      readonly statements: readonly Statement[];
    }
  | { readonly kind: 'refused'; readonly answer: CodedAnswer };

/** The texts of a request and the statements that use them. */
export interface Judged {
  readonly user: string;
  /** The tables that the user may reach; undefined: all. */
  readonly tables: TableRules | undefined;
  readonly requestId: string;
  readonly texts: readonly string[];
  readonly statements: readonly Statement[];
}

/** Judges the statements of requests, under one answer to `may they be without a bound?`. */
export class Judge {
  readonly #backend: Backend;
  readonly #unbounded: boolean;
  readonly #onFault: OnFault;
  readonly #cache = new VerdictCache();
  /** Requests whose texts were all known, and those that were not. */
  hits = 0;
  misses = 0;

  constructor(backend: Backend, unbounded: boolean, onFault: OnFault) {
    this.#onFault = onFault;
    this.#backend = backend;
    this.#unbounded = unbounded;
  }

  /** What is remembered for an older schema than this does not hold any longer. */
  advance(schemaIndex: number): void {
    this.#cache.advance(schemaIndex);
  }

  /** Judges statements. `done` is called once, before this returns when every text is known. */
  judge(request: Judged, done: (judgement: Judgement) => void): void {
    const cache = this.#cache;
    cache.advance(this.#backend.view.schemaIndex);
    const known = knownVerdicts(cache, request.texts);
    if (known !== undefined && !dependsOnOrder(known, request)) {
      this.hits += 1;
      done(judgementOf(cache.schemaIndex, known, request));
      return;
    }
    this.misses += 1;
    this.#ask(request, request.texts, done, (reply) => {
      if (reply.kind === 'refused') {
        done({ kind: 'refused', answer: answerFor(reply) });
        return;
      }
      remember(cache, request.texts, reply);
      if (!dependsOnOrder(reply.verdicts, request) || eachOnceInOrder(request)) {
        done(judgementOf(reply.schemaIndex, reply.verdicts, request));
      } else this.#judgeInOrder(request, done);
    });
  }

  /**
   * A text that is used again behind a change of the schema may mean something else there (a
   * trigger has come into being), so it is judged once more at each of its places.
   */
  #judgeInOrder(request: Judged, done: (judgement: Judgement) => void): void {
    const texts = request.statements.map((statement) => request.texts[statement.text] ?? '');
    const statements = request.statements.map((statement, text) => ({ ...statement, text }));
    const inOrder = { ...request, texts, statements };
    this.#ask(request, texts, done, (reply) => {
      done(
        reply.kind === 'refused'
          ? { kind: 'refused', answer: answerFor(reply) }
          : judgementOf(reply.schemaIndex, reply.verdicts, inOrder),
      );
    });
  }

  #ask(
    { user, requestId }: Judged,
    texts: readonly string[],
    done: (judgement: Judgement) => void,
    judged: (reply: BackendVerdicts | BackendRefusal) => void,
  ): void {
    const unbounded = this.#unbounded;
    const fail = (answer: CodedAnswer): void => {
      done({ kind: 'refused', answer: { ...answer, applied: 'no' } });
    };
    this.#backend.judge(
      { user, requestId, texts, unbounded, deadlineMs: judgeDeadlineMs },
      caught(this.#onFault, requestId, fail, judged),
    );
  }
}

const knownVerdicts = (
  cache: VerdictCache,
  texts: readonly string[],
): readonly BackendVerdict[] | undefined => {
  const verdicts: BackendVerdict[] = [];
  for (const text of texts) {
    const verdict = cache.get(text);
    if (verdict === undefined) return undefined;
    verdicts.push(verdict);
  }
  return verdicts;
};

const isSchemaChange = (verdict: BackendVerdict): boolean =>
  verdict.kind === 'allowed' && verdict.access === 'schema';

/** Whether some statement comes behind one that changes the schema. */
const dependsOnOrder = (verdicts: readonly BackendVerdict[], request: Judged): boolean =>
  request.statements.length > 1 && verdicts.some(isSchemaChange);

const eachOnceInOrder = (request: Judged): boolean =>
  request.statements.length === request.texts.length;

/** Verdicts behind a change of the schema hold only in this request. */
const remember = (cache: VerdictCache, texts: readonly string[], reply: BackendVerdicts): void => {
  for (const [at, verdict] of reply.verdicts.entries()) {
    const text = texts[at];
    if (text !== undefined) cache.set(reply.schemaIndex, text, verdict);
    if (isSchemaChange(verdict)) return;
  }
};

const costRank: Readonly<Record<BackendCost, number>> = { small: 0, large: 1, unbounded: 2 };

const judgementOf = (
  schemaIndex: number,
  verdicts: readonly BackendVerdict[],
  request: Judged,
): Judgement => {
  let access: 'read' | 'write' | 'schema' = 'read';
  let cost: BackendCost = 'small';
  let texts: string[] | undefined;
  let faulty = false;
  let frees = true;
  let unordered = false;
  for (const [at, verdict] of verdicts.entries()) {
    switch (verdict.kind) {
      case 'refused':
        return { kind: 'refused', answer: refusalOf(verdict) };
      case 'error':
        faulty = true;
        texts ??= [...request.texts];
        texts[at] = verdict.instead;
        break;
      case 'allowed': {
        // Verdicts say what is reached, not who may: one is remembered for all users together.
        const lacked = request.tables?.lackedBy(verdict);
        if (lacked !== undefined) return { kind: 'refused', answer: outsideOf(lacked) };
        if (verdict.instead !== undefined) {
          texts ??= [...request.texts];
          texts[at] = verdict.instead;
        }
        if (verdict.access === 'schema') access = 'schema';
        else if (verdict.access === 'write' && access === 'read') access = 'write';
        if (costRank[verdict.cost] > costRank[cost]) cost = verdict.cost;
        frees &&= verdict.frees;
        unordered ||= verdict.unordered;
        break;
      }
    }
  }
  if (cost === 'small' && request.statements.some((one) => isAmplified(one, verdicts[one.text]))) {
    cost = 'large';
  }
  return {
    kind: 'judged',
    schemaIndex,
    access,
    cost,
    frees,
    unordered,
    faulty,
    texts: texts ?? request.texts,
    statements: request.statements,
  };
};

const bytesOf = (value: Value): number =>
  typeof value === 'string' || value instanceof Uint8Array ? value.length : 0;

/** A verdict is of a text; how much the statement makes depends on its parameters, too. */
const isAmplified = (
  { positional, named }: Statement,
  verdict: BackendVerdict | undefined,
): boolean => {
  if (verdict?.kind !== 'allowed' || verdict.copies <= 1 || verdict.access === 'read') return false;
  let bytes = 0;
  for (const value of positional) bytes += bytesOf(value);
  for (const [, value] of named) bytes += bytesOf(value);
  return bytes * verdict.copies > amplifiedBytesMax;
};

const outsideOf = (lacked: string): CodedAnswer =>
  codedAnswer('permission_denied', `The rules of this user do not let it ${lacked}`, 'no');

const refusalOf = (verdict: Extract<BackendVerdict, { kind: 'refused' }>): CodedAnswer => {
  const code: ErrorCode =
    verdict.code === 'statement_too_expensive' ? 'statement_too_expensive' : 'statement_refused';
  const message = verdict.hint === '' ? verdict.reason : `${verdict.reason}; ${verdict.hint}`;
  return codedAnswer(code, message, 'no');
};

const answerFor = (refusal: BackendRefusal): CodedAnswer =>
  codedAnswer(refusal.code, refusal.message, 'no');
