// JSON as it was written: numbers keep their digits, so that 64-bit integers and floating point are
// shown as the server sent them.

/** A number by its digits. */
export class NumberText {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }
}

/** One value of a row. */
export type Cell = string | boolean | null | NumberText;

/** A text of JSON; every number in it is a NumberText. @throws SyntaxError */
export const exactJson = (text: string): unknown =>
  JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' ? new NumberText(context?.source ?? String(value)) : value,
  );
