// What the fuzz has found, for ever: texts that once passed the guard and should not have, or broke
// what ran them. Each is judged and run again with every test run.

/** Texts, with what was wrong. */
export const findings: readonly (readonly [why: string, text: string])[] = [];
