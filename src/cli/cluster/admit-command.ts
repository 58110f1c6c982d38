// `stockade admit`: lets further nodes in, where the CA's key is. Ends when all have joined or the
// time is up.
import { resolve } from 'node:path';
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { say } from '#cli/progress.ts';
import { stopRequest } from '#cli/stop-request.ts';
import { tokenTtlMsMax, tokenTtlMsMin } from '#cluster/bounds.ts';
import { CodedError } from '#errors.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { admitNewcomers } from './admit-newcomers.ts';
import { openAuthority } from './authority.ts';
import { durationMsFrom } from './duration.ts';
import { nodeFolder } from './node-folder.ts';
import { confirmOption, dataOption, ttlOption } from './options.ts';
import { passphraseFrom, passphraseOption } from './passphrase.ts';

const run = async (input: CommandInput): Promise<number> => {
  const names = [...new Set(input.words)].map(nodeNameFrom);
  if (names.length === 0) {
    throw new CodedError('usage', 'name the nodes to let in', {
      hint: 'For example: stockade admit n4',
    });
  }
  const folder = nodeFolder(resolve(input.text('data')));
  const stop = stopRequest();
  const missing = await admitNewcomers({
    data: folder.data,
    authority: openAuthority(
      input.given('authority') ? resolve(input.text('authority')) : folder.authority,
    ),
    names,
    readReplica: input.on('read-replica'),
    ttlMs: durationMsFrom('ttl', input.text('ttl'), tokenTtlMsMin, tokenTtlMsMax),
    confirm: input.on('confirm'),
    passphrase: passphraseFrom(input),
    stop,
  });
  if (missing.length === 0) return exitCodes.done;
  if (stop.isAsked()) {
    say(`stopped; nobody signs for ${missing.join(' and ')} any more`);
    return exitCodes.failed;
  }
  throw new CodedError('timeout', `${missing.join(' and ')} did not join in time`, {
    hint: 'The lines work no more; run the command again for new ones.',
  });
};

/** The command. */
export const admitCommand: Command = {
  name: 'admit',
  summary: 'let further nodes join; run it where the CA keys are',
  usage: 'stockade admit NAME... [--read-replica] [--ttl 15m] [--confirm] [--data DIR]',
  example: 'stockade admit n4',
  takesSettings: false,
  options: [
    {
      name: 'read-replica',
      kind: 'switch',
      value: '',
      standard: 'false',
      meaning: 'they get the data and never vote',
    },
    passphraseOption,
    ttlOption,
    confirmOption,
    dataOption,
    {
      name: 'authority',
      kind: 'text',
      value: 'DIR',
      standard: 'authority in --data',
      meaning: 'the folder of the CA keys',
    },
  ],
  run,
};
