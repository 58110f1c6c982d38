// The end of every way to join: the node is started, and the command stays beside it.
import { exitCodes } from '#cli/exit-code.ts';
import { say } from '#cli/progress.ts';
import { stopRequest } from '#cli/stop-request.ts';
import { startBeside, stayBeside, stopBeside, untilNode } from './beside-node.ts';
import type { NodeFolder } from './node-folder.ts';
import type { Places } from './places.ts';

/**
 * Starts the node, says when it is a member with everything, stays; or only says how to start it.
 */
export const startMember = async (
  name: string,
  folder: NodeFolder,
  places: Places,
  noStart: boolean,
): Promise<number> => {
  if (noStart) {
    process.stdout.write(`stockade run --config ${folder.config}\n`);
    return exitCodes.done;
  }
  const stop = stopRequest();
  const node = startBeside(name, folder);
  try {
    const status = await untilNode(node, folder, stop, ({ ready, members }) => {
      const own = members.find((member) => member.name === name);
      return ready && own !== undefined && own.role !== 'learner';
    });
    if (status !== undefined) {
      const others = status.members.map(({ name, role }) => `${name} (${role})`).join(', ');
      process.stdout.write(`${name} is a member: ${others}\n`);
      say(`it serves https://${places.httpAddress}; its log is ${folder.log}`);
      say('Ctrl-C stops it; from now on it starts with:');
      say(`  stockade run --config ${folder.config}`);
    }
    await stayBeside(node, stop);
    return exitCodes.done;
  } catch (error) {
    await stopBeside(node);
    throw error;
  }
};
