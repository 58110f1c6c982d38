// `check`: for cron. Tells which certificates and revocation lists end soon.
import { join } from 'node:path';
import { CodedError } from '#errors.ts';
import type { Command, Machine, Report, Typed } from './command.ts';
import { usageError } from './command-line.ts';
import { pemBlocksFrom } from './pem.ts';
import { dayMs } from './profile.ts';
import { certificatesFrom } from './read-certificate.ts';
import { revocationListFrom } from './read-revocation-list.ts';
import { dateText, foreignText } from './show.ts';

const warnDefault = '30d';

/**
 * Folders are searched this deep: certs, a holder's folder in it, and one more. Links to folders
 * are followed, so this also ends those that lead back.
 */
const depthMax = 3;

const warnMs = (typed: Typed): number => {
  const text = typed.text('warn') ?? warnDefault;
  const [, count, unit] = /^([0-9]{1,4})(d|h)$/.exec(text) ?? [];
  if (count === undefined) {
    throw usageError(
      `--warn is a number of days or hours like 30d or 12h, not ${text}`,
      typed.command,
    );
  }
  return Number(count) * (unit === 'd' ? dayMs : dayMs / 24);
};

const filesAt = (path: string, depth: number, machine: Machine): string[] => {
  if (!machine.files.leadsToFolder(path)) return [path];
  return machine.files.namesIn(path).flatMap((name) => {
    const inner = join(path, name);
    if (machine.files.leadsToFolder(inner))
      return depth < depthMax ? filesAt(inner, depth + 1, machine) : [];
    return /\.(crt|pem|crl)$/.test(name) ? [inner] : [];
  });
};

interface End {
  readonly path: string;
  readonly what: string;
  readonly end: Date;
}

const endsIn = (path: string, { files }: Machine): End[] => {
  const text = files.readText(path);
  const lists = pemBlocksFrom(text).filter(({ label }) => label === 'X509 CRL');
  if (lists.length > 0) {
    return lists.map((block) => ({
      path,
      what: 'revocation list',
      end: revocationListFrom(block).nextUpdate,
    }));
  }
  return certificatesFrom(text).map(({ subject, notAfter }) => ({
    path,
    what: foreignText(subject.commonName ?? 'no common name'),
    end: notAfter,
  }));
};

const run = (typed: Typed, machine: Machine): Report => {
  const [now, warn] = [machine.now().getTime(), warnMs(typed)];
  const paths = typed.words.length === 0 ? ['certs'] : typed.words;
  const ends = paths
    .flatMap((path) => filesAt(path, 1, machine))
    .flatMap((path) => endsIn(path, machine));
  if (ends.length === 0) {
    throw new CodedError('config_invalid', `there is no certificate in ${paths.join(', ')}`, {
      hint: 'name the files or folders to check',
    });
  }
  const rows = ends.map((end) => {
    const left = end.end.getTime() - now;
    const state = left > warn ? 'ok' : left > 0 ? 'soon' : 'expired';
    return { ...end, daysLeft: Math.floor(left / dayMs), state } as const;
  });
  return {
    data: rows,
    lines: rows.map(
      ({ path, what, end, daysLeft, state }) =>
        `${state.padEnd(7)} ${String(daysLeft).padStart(5)} days  ${dateText(end)}  ${path}  ${what}`,
    ),
    exit: rows.some(({ state }) => state !== 'ok') ? 1 : 0,
    advice: rows.some(({ state }) => state !== 'ok')
      ? ['renew with `stockade-certs renew`; a CA with `rotate`; a list with `crl`']
      : [],
  };
};

/** Tells what ends soon. */
export const check: Command = {
  name: 'check',
  parameters: '[FILE|DIR ...]',
  summary: 'tell which certificates and revocation lists end soon: exit status 1 when one does',
  example: 'check --warn 30d certs',
  failure: 'nothing was checked',
  words: { min: 0, max: 1000 },
  options: {
    warn: {
      type: 'string',
      value: 'TIME',
      help: `how soon is soon: 30d, 12h (default ${warnDefault})`,
    },
  },
  run,
};
