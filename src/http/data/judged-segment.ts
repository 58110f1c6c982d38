// What the guard said of the statements of a stretch of SQL text, as what goes into the log: texts
// up to the first statement that cannot run, and what their command must say.
import type { BackendVerdict, BackendVerdicts, LoadSegment } from '#http/backend.ts';
import { type CodedAnswer, codedAnswer } from '#http/coded-answer.ts';

/** Statements are put together into texts of this size: fewer to carry and to answer. */
const textCharacters = 64 * 1024;

/** A stretch that may go into the log. */
export interface JudgedSegment {
  readonly kind: 'judged';
  readonly texts: readonly string[];
  readonly transaction: boolean;
  readonly schemaIndex: number;
  readonly changesSchema: boolean;
  /** It may take long on every node: it is tried out first. */
  readonly rehearse: boolean;
}

const refusalOf = ({
  code,
  reason,
  hint,
}: Extract<BackendVerdict, { kind: 'refused' }>): CodedAnswer => {
  const known = code === 'statement_too_expensive' ? code : 'statement_refused';
  return codedAnswer(known, hint === '' ? reason : `${reason}; ${hint}`, 'no');
};

/** Puts statements together; several in one text stop at the first that fails. */
class Texts {
  readonly all: string[] = [];
  #part: string[] = [];
  #characters = 0;

  add(text: string): void {
    this.#part.push(text);
    this.#characters += text.length;
    if (this.#characters >= textCharacters) this.end();
  }

  end(): void {
    if (this.#part.length > 0) this.all.push(this.#part.join(';\n'));
    this.#part = [];
    this.#characters = 0;
  }
}

/** The stretch, or why nothing of it is done. */
export const judgedSegment = (
  segment: LoadSegment,
  { verdicts, schemaIndex }: BackendVerdicts,
  heavy: boolean,
): JudgedSegment | { readonly kind: 'refused'; readonly answer: CodedAnswer } => {
  const own = new Set(segment.own);
  const texts = new Texts();
  let [changesSchema, rehearse, next] = [false, false, 0];
  for (const [at, text] of segment.texts.entries()) {
    if (own.has(at)) {
      texts.add(text);
      continue;
    }
    const verdict = verdicts[next];
    next += 1;
    if (verdict === undefined || verdict.kind === 'error') {
      // Later statements do not run, as if the text had ended here.
      texts.end();
      if (verdict !== undefined) texts.add(verdict.instead);
      break;
    }
    if (verdict.kind === 'refused') return { kind: 'refused', answer: refusalOf(verdict) };
    if (verdict.cost === 'unbounded' && !heavy) {
      return { kind: 'refused', answer: codedAnswer('statement_too_expensive', endless, 'no') };
    }
    if (verdict.access === 'schema') changesSchema = true;
    if (verdict.cost === 'large' && !heavy) rehearse = true;
    texts.add(verdict.instead ?? text);
  }
  texts.end();
  const { transaction } = segment;
  return { kind: 'judged', texts: texts.all, transaction, schemaIndex, changesSchema, rehearse };
};

const endless =
  'Nothing bounds how long a query in this text may run, and it would run on every node';
