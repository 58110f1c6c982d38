// `stockade transfer`: gives the leadership to another voter, from whichever member it is asked at.
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { CodedError } from '#errors.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { adminTransfer } from '#node/seams/admin-seam.ts';
import { askNode } from './ask-node.ts';
import { dataOption } from './options.ts';

const run = async (input: CommandInput): Promise<number> => {
  const [word, ...more] = input.words;
  if (more.length > 0) {
    throw new CodedError('usage', 'name one voter, or none', {
      hint: `For example: ${transferCommand.example}`,
    });
  }
  const to = word === undefined ? '' : nodeNameFrom(word);
  const { leader } = await askNode(input, adminTransfer, { to });
  process.stdout.write(`${leader} leads\n`);
  return exitCodes.done;
};

/** The command. */
export const transferCommand: Command = {
  name: 'transfer',
  summary: 'give the leadership to another voter',
  usage: 'stockade transfer [NAME] [--data DIR]',
  example: 'stockade transfer n2',
  takesSettings: false,
  options: [dataOption],
  run,
};
