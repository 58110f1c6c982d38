// The log of one process: JSON lines for machines, one readable line each on a terminal. No secret,
// no SQL text and no parameter ever goes in here.
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';

/** Writes log lines; `log.info({ field }, 'sentence')`. */
export type Logger = PinoLogger;

/** What every line says of its origin. */
export interface LogOrigin {
  readonly node: string;
  /** `node`, `front`, `writer` or `reader`. */
  readonly part: string;
}

const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

const origin = new Set(['level', 'time', 'node', 'part', 'msg', 'pid', 'hostname']);

/** One JSON line as a line for a person. */
export const prettyLine = (line: string): string => {
  const fields = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields)
    .filter(([key]) => !origin.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
  const level = levels[Number(fields['level'])] ?? 'info';
  const time = String(fields['time']).slice(11, 23);
  const who = `${String(fields['node'])}/${String(fields['part'])}`;
  return `${time} ${level.padEnd(5)} ${who} ${String(fields['msg'])}${rest === '' ? '' : ` ${rest}`}\n`;
};

const prettyDestination: DestinationStream = {
  write: (line: string) => {
    process.stderr.write(prettyLine(line));
  },
};

/** A logger that writes to standard error. `format`: `auto`, `pretty` or `json`. */
export const createLogger = (level: string, format: string, from: LogOrigin): Logger => {
  const pretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY);
  return pino(
    {
      level,
      base: { node: from.node, part: from.part },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pretty ? prettyDestination : pino.destination({ fd: 2, sync: true }),
  );
};
