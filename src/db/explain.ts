// The program that SQLite makes of a statement, sub-programs of triggers and foreign keys included.
import { nullBindings } from './bind-parameters.ts';
import type { Engine } from './engine.ts';
import type { Piece } from './statement-text.ts';

/** One instruction; its address counts within its program. */
export interface Instruction {
  readonly address: number;
  readonly opcode: string;
  readonly p1: number;
  readonly p2: number;
  readonly p3: number;
  readonly p4: string;
}

/** A row of EXPLAIN. */
export const instructionFrom = (row: readonly unknown[]): Instruction => {
  const [address, opcode, p1, p2, p3, p4] = row;
  return {
    address: Number(address),
    opcode: String(opcode),
    p1: Number(p1),
    p2: Number(p2),
    p3: Number(p3),
    p4: typeof p4 === 'string' ? p4 : '',
  };
};

/** The instructions of a statement that can be prepared. @throws what `sqlErrorFrom` understands */
export const explain = (engine: Engine, piece: Piece): readonly Instruction[] =>
  engine
    .prepare(piece.explained ? piece.text : `EXPLAIN ${piece.text}`)
    .all(nullBindings(piece), false)
    .map(instructionFrom);
