// `stockade promote`: makes a read replica a voter. Asks the node of this machine, which takes over
// the leadership if it has to.
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { adminPromote } from '#node/seams/admin-seam.ts';
import { askNode, oneNameOf } from './ask-node.ts';
import { dataOption } from './options.ts';

const run = async (input: CommandInput): Promise<number> => {
  const name = oneNameOf(input, 'promote', promoteCommand.example);
  await askNode(input, adminPromote, { name });
  process.stdout.write(`${name} votes from now on\n`);
  return exitCodes.done;
};

/** The command. */
export const promoteCommand: Command = {
  name: 'promote',
  summary: 'make a read replica a voter; run it on a voter',
  usage: 'stockade promote NAME [--data DIR]',
  example: 'stockade promote r1',
  takesSettings: false,
  options: [dataOption],
  run,
};
