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
import { systemFiles } from '#io/file-system.ts';
import { admitNewcomers } from './admit-newcomers.ts';
import { admittingPlace } from './admitting-place.ts';
import { openAuthority } from './authority.ts';
import { admitCarried } from './carried-admit.ts';
import { durationMsFrom } from './duration.ts';
import { confirmOption, dataOption, ttlOption } from './options.ts';
import { passphraseFrom, passphraseOption } from './passphrase.ts';

const run = async (input: CommandInput): Promise<number> => {
  const place = admittingPlace(resolve(input.text('data')), systemFiles);
  const authority = input.given('authority') ? resolve(input.text('authority')) : place.authority;
  if (input.given('request')) {
    return admitCarried(input, { data: place.data, authority, passphrase: passphraseFrom(input) });
  }
  const names = [...new Set(input.words)].map(nodeNameFrom);
  if (names.length === 0) {
    throw new CodedError('usage', 'name the nodes to let in', {
      hint: 'For example: stockade admit n4',
    });
  }
  const stop = stopRequest();
  const missing = await admitNewcomers({
    data: place.data,
    authority: openAuthority(authority),
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
  usage:
    'stockade admit NAME... | --request FILE [--read-replica] [--ttl 15m] [--confirm] [--data DIR]',
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
    {
      name: 'request',
      kind: 'text',
      value: 'FILE',
      standard: '',
      meaning:
        'let in the newcomer whose `stockade join --prepare` made this file, without a token',
    },
    {
      name: 'certificates',
      kind: 'text',
      value: 'DIR',
      standard: '',
      meaning: 'with --request: what `stockade-certs sign` made of its two .csr files elsewhere',
    },
    {
      name: 'out',
      kind: 'text',
      value: 'FILE',
      standard: 'NAME.admission',
      meaning: 'with --request: the file to carry to the newcomer',
    },
  ],
  run,
};
