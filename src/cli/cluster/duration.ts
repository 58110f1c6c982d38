// A duration as people write it: 90s, 15m, 1h.
import { CodedError } from '#errors.ts';

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds within the bounds. @throws CodedError `usage` */
export const durationMsFrom = (
  option: string,
  text: string,
  minMs: number,
  maxMs: number,
): number => {
  const [, digits = '', unit = ''] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const ms = Number(digits) * (units[unit] ?? 0);
  if (ms >= minMs && ms <= maxMs) return ms;
  throw new CodedError('usage', `--${option} is ${JSON.stringify(text)}`, {
    hint: `Use ${minMs / 1000}s to ${maxMs / 60_000}m, for example 15m.`,
  });
};
