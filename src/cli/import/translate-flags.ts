// Flags of rqlited as settings of a node, with what does not carry over said beside it.
import { stringify } from 'yaml';
import { unreachable } from '#invariant.ts';
import { nearestOf } from '#node/nearest.ts';
import { settings } from '#node/settings.ts';
import type { GivenFlag } from './command-line.ts';
import { rqliteFlags, type ValueKind } from './rqlite-flags.ts';

/** One flag's line. */
export interface TranslatedFlag extends GivenFlag {
  /** Empty: no setting takes it. */
  readonly setting: string;
  /** As it is written here; empty with `setting`. */
  readonly here: string;
  readonly remark: string;
}

const known = new Map(rqliteFlags.map((flag) => [flag.flag, flag]));

/** Names of flags that stand alone. */
export const switches: ReadonlySet<string> = new Set(
  rqliteFlags.filter(({ isSwitch }) => isSwitch === true).map(({ flag }) => flag),
);

const unitMs: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
};

/**
 * Milliseconds of a duration as Go writes it (`1h30m`, `250ms`, `0`); undefined for what is none.
 */
export const goDurationMs = (text: string): number | undefined => {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, digits, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    sum += Number(digits) * (unitMs[unit] ?? 0);
  }
  return sum;
};

/** As settings have durations: whole hours, minutes or seconds. */
const durationText = (ms: number): string => {
  if (ms === 0) return 'off';
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  return ms % 60_000 === 0 ? `${ms / 60_000}m` : `${Math.max(1, Math.round(ms / 1000))}s`;
};

const modes: Readonly<Record<string, string>> = {
  'consul-kv': 'consul',
  'etcd-kv': 'etcd',
  dns: 'dns',
  'dns-srv': 'dns-srv',
};

/** Undefined: the value cannot be read. */
const valueHere = (value: string, kind: ValueKind): string | undefined => {
  switch (kind) {
    case 'as-is':
      return value;
    case 'listen':
      return value.startsWith(':') ? `0.0.0.0${value}` : value.replace(/^localhost:/, '127.0.0.1:');
    case 'flag':
      return /^(?:|1|t|T|true|TRUE|True)$/.test(value) ? 'true' : 'false';
    case 'lower':
      return value.toLowerCase();
    case 'mode':
      return modes[value];
    case 'duration': {
      const ms = goDurationMs(value);
      return ms === undefined ? undefined : durationText(ms);
    }
    case 'milliseconds': {
      const ms = goDurationMs(value);
      return ms === undefined ? undefined : String(Math.round(ms));
    }
    default:
      return unreachable(kind);
  }
};

/** What a flag is here. Never throws: what cannot be read is a remark. */
export const translatedFlag = ({ flag, value }: GivenFlag): TranslatedFlag => {
  const nothing = { flag, value, setting: '', here: '' };
  const entry = known.get(flag);
  if (entry === undefined) {
    const nearest = nearestOf(flag, [...known.keys()]);
    return { ...nothing, remark: `rqlite has no such flag; -${nearest}?` };
  }
  const { setting, kind = 'as-is', remark } = entry;
  if (setting === undefined) return { ...nothing, remark };
  const here = valueHere(value, kind);
  if (here === undefined) return { ...nothing, remark: `its value cannot be read; see ${setting}` };
  return { flag, value, setting, here, remark };
};

const kinds = new Map(settings.map(({ key, kind }) => [key, kind]));

const scalarOf = (key: string, text: string): unknown => {
  const kind = kinds.get(key);
  if (kind === 'whole' && /^\d{1,15}$/.test(text)) return Number(text);
  return kind === 'flag' ? text === 'true' : text;
};

/** The part of node.yaml that the flags make. */
export const settingsText = (translated: readonly TranslatedFlag[]): string => {
  const root: Record<string, unknown> = {};
  for (const { setting, here } of translated) {
    if (setting === '') continue;
    const parts = setting.split('.');
    let place = root;
    for (const part of parts.slice(0, -1)) {
      place[part] ??= {};
      // Only objects are put at the inner places: no setting is the beginning of another.
      place = place[part] as Record<string, unknown>;
    }
    place[parts.at(-1) ?? ''] = scalarOf(setting, here);
  }
  return Object.keys(root).length === 0 ? '' : stringify(root);
};

/** The table for a person. */
export const flagsTable = (translated: readonly TranslatedFlag[]): string => {
  const rows = [
    ['RQLITE', 'HERE', 'MIND'],
    ...translated.map(({ flag, value, setting, here, remark }) => [
      `-${flag}${value === '' ? '' : ` ${value}`}`,
      setting === '' ? '-' : `${setting}: ${here}`,
      remark,
    ]),
  ];
  const widths = [0, 1, 2].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
};
