// A node that a command starts and stays beside: `init --admit` and `join`. The node is a process
// of its own, so that it never sees what the command holds (the CA's key, the token).
import { say } from '#cli/progress.ts';
import type { StopRequest } from '#cli/stop-request.ts';
import { type SupervisedNode, superviseNode, type WatchedNode } from '#cli/up/supervise.ts';
import { CodedError } from '#errors.ts';
import { openAppend } from '#io/open-append.ts';
import { type AdminStatus, adminStatus } from '#node/seams/admin-seam.ts';
import { openAdminClient } from './admin-client.ts';
import type { NodeFolder } from './node-folder.ts';

const stopGraceMs = 15_000;
const lookEveryMs = 100;
/**
 * A node that has not come so far by then is told as a failure; a full copy of the data is slow.
 */
const startMsMax = 120_000;
/** A node that ends this often before it served will not start. */
const earlyDeathsMax = 3;

/** A node beside this command. */
export type NodeBeside = SupervisedNode<WatchedNode>;

/** Starts the node of a folder and keeps it running. */
export const startBeside = (name: string, folder: NodeFolder): NodeBeside =>
  superviseNode(
    { name, config: folder.config, log: folder.log },
    true,
    (path) => openAppend(path).descriptor,
    {
      onStarted: () => undefined,
      onDied: (_node, how) => say(`node ${name} ended (${how}) and is started again`),
    },
  );

/**
 * Waits until the node says that it is so far; undefined when the command is asked to stop before.
 *
 * @throws CodedError `not_ready` when it does not start, with the place of the reason
 */
export const untilNode = async (
  node: NodeBeside,
  folder: NodeFolder,
  stop: StopRequest,
  isSoFar: (status: AdminStatus) => boolean,
): Promise<AdminStatus | undefined> => {
  const until = performance.now() + startMsMax;
  while (!stop.isAsked()) {
    const status = await statusOf(folder);
    if (status !== undefined && isSoFar(status)) return status;
    if (performance.now() > until || node.diedEarly >= earlyDeathsMax) {
      throw new CodedError('not_ready', `node ${node.layout.name} does not start`, {
        hint: `The reason is at the end of ${folder.log}`,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  return undefined;
};

const statusOf = async (folder: NodeFolder): Promise<AdminStatus | undefined> => {
  try {
    const client = await openAdminClient(folder.data);
    try {
      return await client.ask(adminStatus, undefined);
    } finally {
      client.close();
    }
  } catch (error) {
    if (error instanceof CodedError && error.code === 'unreachable') return undefined;
    throw error;
  }
};

/** Stays until Ctrl-C, then stops the node. */
export const stayBeside = async (node: NodeBeside, stop: StopRequest): Promise<void> => {
  await stop.asked;
  await stopBeside(node);
};

/** Stops the node. */
export const stopBeside = async (node: NodeBeside): Promise<void> => {
  say('stopping');
  await node.stop(stopGraceMs);
};
