// The nearest of some known names to a mistyped one, for error messages.

const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};

/** The known name with the fewest edits from `name` (Levenshtein); the first of equals. */
export const nearestOf = (name: string, known: readonly string[]): string => {
  let best = known[0] ?? '';
  for (const candidate of known) {
    if (distance(name, candidate) < distance(name, best)) best = candidate;
  }
  return best;
};
