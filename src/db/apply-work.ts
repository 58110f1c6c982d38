// A committed entry, decoded and taken apart: what there is to do, before any of it is done.

import type { Command, Statement } from '#command/command.ts';
import { decodeCommand } from '#command/command-codec.ts';
import type { Proposal } from '#command/proposal.ts';
import { invariant } from '#invariant.ts';
import { touchesSchema } from './statement-text.ts';
import type { CachedText, TextCache } from './text-cache.ts';

/** The smallest step of a command: one statement of one text. */
export interface Unit {
  readonly cached: CachedText;
  /** Number of the piece within its text; -1 for a text without any. */
  readonly at: number;
  /** The request's statement it belongs to; several units when its text holds several. */
  readonly statement: Statement;
  /** Parameters that earlier pieces of the same text use up. */
  readonly taken: number;
  /** Its number in the command, from 0. */
  readonly number: number;
  /** Its outcome is the result of the statement. */
  readonly last: boolean;
}

/** A command to apply. */
export interface CommandWork {
  /** Log time of the entry. */
  readonly timeMs: number;
  /** What time and randomness are in its statements: an interactive transaction has its own. */
  readonly functionsOf: { readonly timeMs: number; readonly seed: Uint8Array };
  readonly command: Command;
  readonly units: readonly Unit[];
  /** It may end or fail the transaction around it, whatever the schema. */
  readonly solo: boolean;
  /** It may change the schema or the statistics. */
  readonly touchesSchema: boolean;
}

const addUnits = (units: Unit[], cached: CachedText, statement: Statement): void => {
  if (cached.pieces.length === 0) {
    units.push({ cached, at: -1, statement, taken: 0, number: units.length, last: true });
    return;
  }
  let taken = 0;
  for (let at = 0; at < cached.pieces.length; at++) {
    const last = at === cached.pieces.length - 1;
    units.push({ cached, at, statement, taken, number: units.length, last });
    taken += cached.pieces[at]?.parameters.length ?? 0;
  }
};

const unitsOf = (command: Command, texts: readonly CachedText[]): readonly Unit[] => {
  const units: Unit[] = [];
  for (const statement of command.statements) {
    const cached = texts[statement.text];
    invariant(cached !== undefined, 'a statement names a text of its command');
    // An empty text is no statement at all: it has no result either.
    if (command.texts[statement.text] !== '') addUnits(units, cached, statement);
  }
  return units;
};

/** Decodes a proposed command. @throws CodedError `bad_request` for broken bytes */
export const commandWork = (proposal: Proposal, cache: TextCache): CommandWork => {
  const { timeMs, seed, command: bytes } = proposal;
  const command = decodeCommand(bytes);
  const texts = command.texts.map((text) => cache.get(text));
  const schema = texts.some(({ pieces }) => pieces.some(touchesSchema));
  return {
    timeMs,
    functionsOf: command.interactive ?? { timeMs, seed },
    command,
    units: unitsOf(command, texts),
    solo: schema || command.changesSchema || texts.some(({ solo }) => solo),
    touchesSchema: schema,
  };
};
