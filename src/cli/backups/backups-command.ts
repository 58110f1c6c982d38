// `stockade backups`: which backups a store holds, the newest first.
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { CodedError } from '#errors.ts';
import { backupsIn, type ListedBackup } from '#store/catalogue.ts';
import { storeOption, withStore } from './open-store-file.ts';

const example = 'stockade backups --store backups.json';

const heads = ['TAKEN', 'CLUSTER', 'ENTRY', 'BYTES', 'NAME'] as const;

const cellsOf = ({ takenMs, cluster, index, bytes, name }: ListedBackup): readonly string[] => [
  new Date(takenMs).toISOString().replace('.000', ''),
  cluster,
  String(index),
  String(bytes),
  name,
];

const tableOf = (backups: readonly ListedBackup[]): string => {
  const rows = [heads, ...backups.map(cellsOf)];
  const widths = heads.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
};

const run = async (input: CommandInput): Promise<number> => {
  if (!input.given('store')) {
    throw new CodedError('usage', '--store is missing', { hint: `For example: ${example}` });
  }
  const backups = backupsIn(await withStore(input, (store) => store.list()));
  process.stdout.write(
    input.on('json') ? `${JSON.stringify(backups, undefined, 2)}\n` : tableOf(backups),
  );
  return exitCodes.done;
};

/** The command. */
export const backupsCommand: Command = {
  name: 'backups',
  summary: 'list the scheduled backups in a store',
  usage: 'stockade backups --store FILE [--json]',
  example,
  takesSettings: false,
  options: [
    storeOption,
    { name: 'json', kind: 'switch', value: '', standard: 'false', meaning: 'for programs' },
  ],
  run,
};
