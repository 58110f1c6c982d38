// Durations in Go's notation, as rqlite's query parameters have them: `1h30m`, `250ms`, `-1.5s`,
// `0`.

const unitsMs: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** Go counts nanoseconds in 63 bits; a longer duration is not one. */
const durationMsMax = 2 ** 63 / 1e6;
const textLengthMax = 64;
const part = /(\d+\.?\d*|\.\d+)([a-zµμ]+)/y;

/** Milliseconds, perhaps negative, perhaps with a fraction; undefined for what Go refuses. */
export const goDurationMsFrom = (text: string): number | undefined => {
  if (text.length > textLengthMax) return undefined;
  const sign = text.startsWith('-') ? -1 : 1;
  const unsigned = /^[+-]/.test(text) ? text.slice(1) : text;
  if (unsigned === '0') return 0;
  let totalMs = 0;
  let at = 0;
  while (at < unsigned.length) {
    part.lastIndex = at;
    const match = part.exec(unsigned);
    const unitMs = unitsMs.get(match?.[2] ?? '');
    if (match === null || unitMs === undefined) return undefined;
    totalMs += Number(match[1]) * unitMs;
    at += match[0].length;
  }
  return at === 0 || totalMs >= durationMsMax ? undefined : sign * totalMs;
};

/** A duration of some milliseconds as Go prints it, to the microsecond: `1.5s`, `250ms`, `80µs`. */
export const goDurationText = (ms: number): string => {
  const microseconds = Math.round(ms * 1000);
  if (microseconds === 0) return '0s';
  if (microseconds < 1000) return `${microseconds}µs`;
  if (microseconds < 1_000_000) return `${microseconds / 1000}ms`;
  const seconds = microseconds / 1_000_000;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds}s`;
  const rest = `${minutes % 60}m${Number((seconds - minutes * 60).toFixed(6))}s`;
  return minutes < 60 ? rest : `${Math.floor(minutes / 60)}h${rest}`;
};
