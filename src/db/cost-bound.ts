// An upper bound for the work of a statement, read from the program that SQLite makes of it: every
// committed write runs on every node to its end, so what may never end must not be proposed. Loops
// are backward jumps; one that walks a table takes at most as many turns as that has rows, one that
// empties a list as many as were put in, and nested loops multiply. A loop that advances nothing
// has no bound. A pure function of the program; generous where it cannot know.
import type { Instruction } from './explain.ts';

/** Rows of the table or index with this root page. */
export type RowsOfRoot = (rootPage: number) => number;

/** Rows assumed for virtual tables: EXPLAIN does not name them (json_each, full-text indexes). */
const virtualRows = 10_000;

const advances = new Set(['Next', 'Prev', 'SorterNext', 'VNext']);
const opens = new Set(['OpenRead', 'OpenWrite', 'ReopenIdx']);
const lists = new Set(['OpenEphemeral', 'OpenAutoindex', 'SorterOpen']);
const fills = new Set(['Insert', 'IdxInsert', 'SorterInsert']);
const backwardJumps = new Set([
  ...advances,
  ...['Goto', 'IfPos', 'IfNotZero', 'DecrJumpZero', 'If', 'IfNot', 'IsNull', 'NotNull', 'Once'],
  ...['Eq', 'Ne', 'Lt', 'Le', 'Gt', 'Ge', 'Found', 'NotFound', 'NotExists', 'RowSetTest', 'Filter'],
]);

interface Loop {
  readonly start: number;
  readonly end: number;
  readonly jump: Instruction;
}

/** The bound of one program, sub-programs not counted. */
class Program {
  readonly #code: readonly Instruction[];
  readonly #rowsOf: RowsOfRoot;
  readonly #loops: readonly Loop[];
  readonly #turns = new Map<Loop, number>();

  constructor(code: readonly Instruction[], rowsOf: RowsOfRoot) {
    this.#code = code;
    this.#rowsOf = rowsOf;
    this.#loops = loopsOf(code);
  }

  /** Turns of all loops together, and pages of tables that are emptied or dropped, as rows. */
  steps(): number {
    const loops = this.#loops.reduce((sum, { start }) => sum + this.#times(start), 0);
    return this.#code.reduce((sum, { opcode, p1 }) => {
      if (opcode === 'Clear' || opcode === 'Destroy') return sum + this.#rowsOf(p1);
      return opcode === 'Count' ? sum + this.#rowsOfCursor(p1) : sum;
    }, loops);
  }

  /** How often sub-programs are called, at most. */
  calls(): number {
    return this.#sumOfTimes(({ opcode }) => opcode === 'Program');
  }

  #sumOfTimes(wanted: (instruction: Instruction) => boolean): number {
    return this.#code.reduce(
      (sum, instruction) => (wanted(instruction) ? sum + this.#times(instruction.address) : sum),
      0,
    );
  }

  /** How often the instruction at `address` runs, at most. */
  #times(address: number): number {
    const around = this.#loops.filter(
      (loop) => loop.start <= address && address <= loop.end && !this.#onceIn(loop, address),
    );
    const inLoops = around.reduce((product, loop) => product * this.#turnsOf(loop), 1);
    return inLoops * this.#callsOfSubroutine(address);
  }

  /**
   * Whether the instruction stands behind a Once within the loop: then it runs in one turn only.
   */
  #onceIn(loop: Loop, address: number): boolean {
    return this.#code.some(
      ({ opcode, address: once, p2 }) =>
        opcode === 'Once' && loop.start <= once && once < address && address < p2 && p2 <= loop.end,
    );
  }

  /** A subroutine runs as often as it is called. */
  #callsOfSubroutine(address: number): number {
    let calls = 1;
    for (const gosub of this.#code) {
      if (gosub.opcode !== 'Gosub' || gosub.address === address) continue;
      const end = this.#code.find(
        ({ opcode, p1, address: at }) => opcode === 'Return' && p1 === gosub.p1 && at >= gosub.p2,
      );
      const inside = gosub.p2 <= address && address <= (end?.address ?? -1);
      const callerInside = gosub.p2 <= gosub.address && gosub.address <= (end?.address ?? -1);
      if (inside && !callerInside) calls *= Math.max(1, this.#times(gosub.address));
    }
    return calls;
  }

  #turnsOf(loop: Loop): number {
    const known = this.#turns.get(loop);
    if (known !== undefined) return known;
    // Whatever is asked for while this one is worked out and leads back here feeds itself.
    this.#turns.set(loop, Number.POSITIVE_INFINITY);
    const turns = this.#computeTurns(loop);
    this.#turns.set(loop, turns);
    return turns;
  }

  #computeTurns({ start, end, jump }: Loop): number {
    if (advances.has(jump.opcode)) return this.#rowsOfCursor(jump.p1);
    if (this.#repeatsLastTurn(jump)) return 2;
    const inside = this.#code.slice(start, end + 1);
    const consumer = inside.find(({ opcode, p2 }) => opcode === 'Yield' && p2 > end);
    if (consumer !== undefined) return this.#yields(consumer.p1);
    const set = inside.find(({ opcode, p2 }) => opcode === 'RowSetRead' && p2 > end);
    if (set !== undefined) {
      return this.#sumOfTimes(({ opcode, p1 }) => opcode === 'RowSetAdd' && p1 === set.p1);
    }
    const advance = inside.find(({ opcode }) => advances.has(opcode));
    return advance === undefined ? Number.POSITIVE_INFINITY : this.#rowsOfCursor(advance.p1);
  }

  /**
   * IfPos, NullRow ..., Goto: the jump back into the body for the row of NULLs of an outer join.
   */
  #repeatsLastTurn(jump: Instruction): boolean {
    let at = jump.address - 1;
    while (this.#code[at]?.opcode === 'NullRow') at -= 1;
    return at < jump.address - 1 && this.#code[at]?.opcode === 'IfPos';
  }

  /** Rows that a coroutine hands out. */
  #yields(register: number): number {
    return this.#sumOfTimes(
      ({ opcode, p1, p2 }) => opcode === 'Yield' && p1 === register && p2 === 0,
    );
  }

  #rowsOfCursor(cursor: number): number {
    const opened = this.#code.filter(({ p1 }) => p1 === cursor);
    const table = opened.find(({ opcode }) => opens.has(opcode));
    if (table !== undefined) return this.#rowsOf(table.p2);
    const copied = opened.find(({ opcode }) => opcode === 'OpenDup');
    if (copied !== undefined) return this.#rowsOfCursor(copied.p2);
    if (opened.some(({ opcode }) => opcode === 'OpenPseudo')) return 1;
    if (!opened.some(({ opcode }) => lists.has(opcode))) return virtualRows;
    return this.#sumOfTimes(({ opcode, p1 }) => fills.has(opcode) && p1 === cursor);
  }
}

const loopsOf = (code: readonly Instruction[]): readonly Loop[] => {
  // A program begins with a jump to its prologue behind the last instruction, which jumps back to
  // 1.
  const prologue = code[0]?.opcode === 'Init' && code[0].p2 > 1 ? code[0].p2 : code.length;
  return code
    .filter(
      ({ opcode, address, p2 }) =>
        backwardJumps.has(opcode) &&
        p2 <= address &&
        p2 > 0 &&
        address < prologue &&
        // A shared way out of a subroutine is no loop.
        code[p2]?.opcode !== 'Return',
    )
    .map((jump) => ({ start: jump.p2, end: jump.address, jump }));
};

const programsOf = (code: readonly Instruction[]): readonly (readonly Instruction[])[] => {
  const programs: Instruction[][] = [];
  for (const instruction of code) {
    if (instruction.address === 0) programs.push([]);
    programs.at(-1)?.push(instruction);
  }
  return programs;
};

/**
 * Steps that the statement takes at most; Infinity when there is no bound. Triggers and foreign
 * keys are counted as often as any of them may be called.
 */
export const boundOf = (code: readonly Instruction[], rowsOf: RowsOfRoot): number => {
  const [main, ...subprograms] = programsOf(code).map((each) => new Program(each, rowsOf));
  let calls = Math.max(1, main?.calls() ?? 0);
  let steps = main?.steps() ?? 0;
  for (const program of subprograms) {
    steps += calls * (1 + program.steps());
    calls *= Math.max(1, program.calls());
  }
  return steps;
};
