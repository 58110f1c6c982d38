// `stockade remove`: removes a member for good. Asks the node of this machine, which takes over the
// leadership if it has to.
import { resolve } from 'node:path';
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { CodedError } from '#errors.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { adminRemove } from '#node/seams/admin-seam.ts';
import { openAdminClient } from './admin-client.ts';
import { nodeFolder } from './node-folder.ts';
import { dataOption } from './options.ts';

const run = async (input: CommandInput): Promise<number> => {
  const [word, ...more] = input.words;
  if (word === undefined || more.length > 0) {
    throw new CodedError('usage', 'name the one member to remove', {
      hint: 'For example: stockade remove n3',
    });
  }
  const name = nodeNameFrom(word);
  const client = await openAdminClient(nodeFolder(resolve(input.text('data'))).data);
  try {
    await client.ask(adminRemove, { name });
  } finally {
    client.close();
  }
  process.stdout.write(
    `${name} is removed: its votes do not count and its key is refused for good\n`,
  );
  return exitCodes.done;
};

/** The command. */
export const removeCommand: Command = {
  name: 'remove',
  summary: 'remove a member for good; run it on another member',
  usage: 'stockade remove NAME [--data DIR]',
  example: 'stockade remove n3',
  takesSettings: false,
  options: [dataOption],
  run,
};
