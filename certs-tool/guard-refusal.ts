// A guard said no: the command was understood and could have been done, but would have harmed, so
// nothing was changed. Exit status 5.

/** Why a guard refused and what to do about it. */
export class GuardRefusal extends Error {
  override readonly name = 'GuardRefusal';
  readonly hint: string;

  constructor(why: string, hint: string) {
    super(why);
    this.hint = hint;
  }
}
