// The fuzz: draws texts, asks the guard, runs what it allows.
import type { Draw } from '../invariance/draw.ts';
import { drawText } from './hostile-text.ts';
import type { Oracle } from './oracle.ts';

/** How a run went. */
export interface FuzzCounts {
  allowed: number;
  refused: number;
  errors: number;
  /** Allowed, and not small: prepared, but not run. */
  notRun: number;
}

/** Runs `cases` texts; gives each that escaped to `onEscape`, with what it did. */
export const fuzz = (
  oracle: Oracle,
  draw: Draw,
  cases: number,
  options: {
    readonly onEscape: (text: string, why: string) => void;
    readonly onCase?: (text: string) => void;
  },
): FuzzCounts => {
  const counts = { allowed: 0, refused: 0, errors: 0, notRun: 0 };
  for (let count = 0; count < cases; count += 1) {
    const text = drawText(draw);
    options.onCase?.(text);
    const verdict = oracle.judge(text);
    if (verdict.kind === 'refused') counts.refused += 1;
    else if (verdict.kind === 'error') counts.errors += 1;
    else {
      counts.allowed += 1;
      if (verdict.cost !== 'small') counts.notRun += 1;
      const why = oracle.violationOf(text, verdict);
      if (why !== undefined) options.onEscape(text, why);
    }
    if (count % 1000 === 999 && !oracle.intact()) options.onEscape(text, 'the reader has changed');
  }
  return counts;
};
