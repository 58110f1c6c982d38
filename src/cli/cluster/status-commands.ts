// `stockade status`, `nodes` and `ready`: what the node of this machine says of itself and of the
// cluster; a table for people, JSON for programs, once or again and again.
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { type StopRequest, stopRequest } from '#cli/stop-request.ts';
import { CodedError } from '#errors.ts';
import { type AdminStatus, adminStatus } from '#node/seams/admin-seam.ts';
import { askNode } from './ask-node.ts';
import { dataOption, jsonOption, watchOption } from './options.ts';
import { nodesText, statusText } from './status-text.ts';

/** Between two looks of `--watch`. */
const watchEveryMs = 1000;
/** From the top left corner; what stands below the new text is wiped. */
const homeCode = '\u001b[H';
const clearCode = '\u001b[2J';
const wipeBelowCode = '\u001b[J';

interface Shown {
  readonly text: (status: AdminStatus) => string;
  readonly json: (status: AdminStatus) => unknown;
}

const runWith =
  (shown: Shown) =>
  async (input: CommandInput): Promise<number> => {
    if (input.on('watch')) return watch(input, shown);
    process.stdout.write(render(await askNode(input, adminStatus, undefined), input, shown));
    return exitCodes.done;
  };

const render = (status: AdminStatus, input: CommandInput, { text, json }: Shown): string =>
  input.on('json') ? `${JSON.stringify(json(status))}\n` : text(status);

/** Until Ctrl-C; a node that is away for a while is waited for. */
const watch = async (input: CommandInput, shown: Shown): Promise<number> => {
  const stop = stopRequest();
  const screen = process.stdout.isTTY && !input.on('json');
  if (screen) process.stdout.write(clearCode);
  while (!stop.isAsked()) {
    const text = await textNow(input, shown);
    process.stdout.write(screen ? `${homeCode}${text}${wipeBelowCode}` : text);
    if (!screen && !input.on('json')) process.stdout.write('\n');
    await pauseUnless(stop);
  }
  return exitCodes.done;
};

const textNow = async (input: CommandInput, shown: Shown): Promise<string> => {
  try {
    return render(await askNode(input, adminStatus, undefined), input, shown);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'unreachable') throw error;
    return input.on('json') ? '' : `${error.message}; waiting for it\n`;
  }
};

const pauseUnless = async (stop: StopRequest): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const pause = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, watchEveryMs);
  });
  await Promise.race([pause, stop.asked]);
  clearTimeout(timer);
};

const options = [jsonOption, watchOption, dataOption];

/** What a node says of itself and of the cluster. */
export const statusCommand: Command = {
  name: 'status',
  summary: 'how the node of this machine and its cluster stand',
  usage: 'stockade status [--watch] [--json] [--data DIR]',
  example: 'stockade status --watch',
  takesSettings: false,
  options,
  run: runWith({ text: statusText, json: (status) => status }),
};

/** The members only. */
export const nodesCommand: Command = {
  name: 'nodes',
  summary: 'the members of the cluster: who votes, who is up, who leads',
  usage: 'stockade nodes [--watch] [--json] [--data DIR]',
  example: 'stockade nodes --json',
  takesSettings: false,
  options,
  run: runWith({
    text: nodesText,
    json: ({ members, leader }) =>
      members.map((member) => ({ ...member, leader: member.name === leader })),
  }),
};

/** Whether the node serves, for scripts: the exit code says it. */
export const readyCommand: Command = {
  name: 'ready',
  summary: 'whether the node of this machine serves (exit code 0)',
  usage: 'stockade ready [--json] [--data DIR]',
  example: 'stockade ready && echo serving',
  takesSettings: false,
  options: [jsonOption, dataOption],
  run: async (input) => {
    const { name, ready, leader } = await askNode(input, adminStatus, undefined);
    if (input.on('json')) process.stdout.write(`${JSON.stringify({ name, ready, leader })}\n`);
    else if (ready) process.stdout.write(`${name} serves\n`);
    else {
      throw new CodedError('not_ready', `${name} does not serve yet`, {
        hint: leader === '' ? 'No node leads: see stockade nodes.' : 'It is catching up.',
      });
    }
    return ready ? exitCodes.done : exitCodes.unreachable;
  },
};
