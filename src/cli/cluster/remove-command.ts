// `stockade remove`: removes a member for good. Asks the node of this machine, which takes over the
// leadership if it has to.
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { adminRemove } from '#node/seams/admin-seam.ts';
import { askNode, oneNameOf } from './ask-node.ts';
import { dataOption } from './options.ts';

const run = async (input: CommandInput): Promise<number> => {
  const name = oneNameOf(input, 'remove', removeCommand.example);
  await askNode(input, adminRemove, { name });
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
