// `stockade init`: prepares this machine as the first node of a new cluster; with --admit it also
// starts the node, prints a join line per name and stays as the signer for them.
import { resolve } from 'node:path';
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { say } from '#cli/progress.ts';
import { stopRequest } from '#cli/stop-request.ts';
import { tokenTtlMsMax, tokenTtlMsMin } from '#cluster/bounds.ts';
import { CodedError } from '#errors.ts';
import { type NodeName, nodeNameFrom } from '#identity/node-name.ts';
import { systemFiles } from '#io/file-system.ts';
import { cryptoRandom } from '#io/random.ts';
import { admitNewcomers } from './admit-newcomers.ts';
import { openAuthority } from './authority.ts';
import { startBeside, stayBeside, stopBeside, untilNode } from './beside-node.ts';
import { durationMsFrom } from './duration.ts';
import { requireFreeFolder } from './free-folder.ts';
import { type NodeFolder, nodeFolder } from './node-folder.ts';
import { confirmOption, dataOption, httpPortOption, peerPortOption, ttlOption } from './options.ts';
import { type Passphrase, passphraseFrom, passphraseOption } from './passphrase.ts';
import { placesOf } from './places.ts';
import { prepareFirstNode } from './prepare-first-node.ts';

const required = (input: CommandInput, option: string, example: string): string => {
  const text = input.text(option);
  if (text !== '') return text;
  throw new CodedError('usage', `--${option} is missing`, { hint: `For example: ${example}` });
};

const run = async (input: CommandInput): Promise<number> => {
  const name = nodeNameFrom(required(input, 'name', initCommand.example));
  const host = required(input, 'advertise', initCommand.example);
  const names = namesFrom(input.text('admit'), name);
  const ttlMs = durationMsFrom('ttl', input.text('ttl'), tokenTtlMsMin, tokenTtlMsMax);
  const places = placesOf(host, input.whole('http-port'), input.whole('peer-port'));
  const folder = nodeFolder(resolve(input.text('data')));
  requireFreeFolder(folder.root, systemFiles);
  const effects = { files: systemFiles, random: cryptoRandom };
  const passphrase = passphraseFrom(input);
  const wanted = { name, places, passphrase, foreignKeys: input.on('foreign-keys') };
  const cluster = prepareFirstNode(folder.root, wanted, effects);
  say(`${name} is prepared in ${folder.root} as the first node of cluster ${cluster}`);
  say(`administrator admin, password in ${folder.adminPassword}`);
  say(
    `the CA keys are in ${folder.authority}; move the folder to a safe place when all have joined`,
  );
  if (names.length === 0) {
    process.stdout.write(`stockade run --config ${folder.config}\n`);
    return exitCodes.done;
  }
  return startAndAdmit(name, folder, {
    names,
    ttlMs,
    confirm: input.on('confirm'),
    passphrase,
    url: `https://${places.httpAddress}`,
  });
};

const namesFrom = (text: string, own: NodeName): readonly NodeName[] => {
  const names = text === '' ? [] : text.split(',').map((name) => nodeNameFrom(name.trim()));
  if (new Set([...names, own]).size === names.length + 1) return names;
  throw new CodedError('usage', `--admit ${text} names a node twice`, {
    hint: `Name each node once, and not ${own}, which is this one.`,
  });
};

interface Admitted {
  readonly names: readonly NodeName[];
  readonly ttlMs: number;
  readonly confirm: boolean;
  readonly passphrase: Passphrase | undefined;
  readonly url: string;
}

const startAndAdmit = async (
  name: NodeName,
  folder: NodeFolder,
  { names, ttlMs, confirm, passphrase, url }: Admitted,
): Promise<number> => {
  const stop = stopRequest();
  const node = startBeside(name, folder);
  try {
    const status = await untilNode(node, folder, stop, ({ ready }) => ready);
    if (status === undefined) return exitCodes.done;
    say(`${name} serves ${url}; its log is ${folder.log}`);
    const authority = openAuthority(folder.authority);
    const missing = await admitNewcomers({
      data: folder.data,
      authority,
      names,
      readReplica: false,
      ttlMs,
      confirm,
      passphrase,
      stop,
    });
    if (!stop.isAsked()) {
      say(
        missing.length === 0
          ? 'all have joined; Ctrl-C stops this node, `stockade run` starts it again'
          : `${missing.join(' and ')} did not join in time; for a new line: stockade admit ${missing.join(' ')} --data ${folder.root}`,
      );
    }
    await stayBeside(node, stop);
    return exitCodes.done;
  } catch (error) {
    await stopBeside(node);
    throw error;
  }
};

/** The command. */
export const initCommand: Command = {
  name: 'init',
  summary: 'prepare this machine as the first node of a new cluster',
  usage: 'stockade init --name NAME --advertise HOST [--admit NAME,NAME] [--data DIR]',
  example: 'stockade init --name n1 --advertise n1.lan --admit n2,n3',
  takesSettings: false,
  options: [
    { name: 'name', kind: 'text', value: 'NAME', standard: '', meaning: 'the name of this node' },
    {
      name: 'advertise',
      kind: 'text',
      value: 'HOST',
      standard: '',
      meaning: 'the host or address that others reach this machine by',
    },
    {
      name: 'admit',
      kind: 'text',
      value: 'NAMES',
      standard: '',
      meaning: 'start the node and let these join, separated by commas',
    },
    {
      name: 'foreign-keys',
      kind: 'switch',
      value: '',
      standard: 'false',
      meaning: 'enforce foreign keys in this cluster, for good',
    },
    passphraseOption,
    ttlOption,
    confirmOption,
    dataOption,
    httpPortOption,
    peerPortOption,
  ],
  run,
};
