// `stockade up`: a whole secure cluster on loopback, for trying and testing. The first run makes
// the folder, every run starts its nodes, watches them and stops them together.
import { resolve } from 'node:path';
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { type StopRequest, stopRequest } from '#cli/stop-request.ts';
import { CodedError } from '#errors.ts';
import { systemErrorCode, systemFiles } from '#io/file-system.ts';
import { openAppend } from '#io/open-append.ts';
import { cryptoRandom } from '#io/random.ts';
import { writeFileAtomically } from '#io/write-file-atomically.ts';
import { readPublicText } from '#node/node-files.ts';
import { clusterFileText } from './cluster-file.ts';
import { requireFreePorts } from './free-ports.ts';
import { type NodeLayout, type UpLayout, upLayout } from './layout.ts';
import { markFrom } from './mark.ts';
import { prepareFolder } from './prepare.ts';
import { type SupervisedNode, superviseNode } from './supervise.ts';
import { waitUntilReady } from './wait-until-ready.ts';
import { welcomeText } from './welcome.ts';

const nodesMax = 9;
const stopGraceMs = 15_000;

const progress = (what: string): void => {
  process.stderr.write(`stockade: ${what} ...\n`);
};

const run = async (input: CommandInput): Promise<number> => {
  const root = resolve(input.text('data'));
  const { layout, resumed } = folderFor(root, input);
  await requireFreePorts(layout);
  if (!resumed) prepare(layout, input);
  const stop = stopRequest();
  const nodes = startNodes(layout, !input.on('no-restart'));
  try {
    progress(`starting ${nodes.length === 1 ? 'the node' : `${nodes.length} nodes`}`);
    if (await allServe(layout, nodes, stop)) {
      writeClusterFile(layout, nodes);
      process.stdout.write(welcomeText(layout, resumed));
      await stop.asked;
    } else if (!stop.isAsked()) {
      throw startFailed(nodes);
    }
  } finally {
    progress('stopping');
    removeClusterFile(layout);
    await Promise.all(nodes.map((node) => node.stop(stopGraceMs)));
  }
  process.stderr.write('stockade: stopped; the same command resumes this cluster\n');
  return exitCodes.done;
};

interface Folder {
  readonly layout: UpLayout;
  readonly resumed: boolean;
}

/** What the folder is: ours to resume, free to fill, or somebody else's. */
const folderFor = (root: string, input: CommandInput): Folder => {
  const fresh = upLayout(root, input.whole('nodes'), input.whole('port-base'));
  const status = systemFiles.status(root);
  if (status === undefined) return { layout: fresh, resumed: false };
  if (status.kind !== 'folder') throw foreign(root, 'it is not a folder');
  const names = listed(root);
  if (names.length === 0) return { layout: fresh, resumed: false };
  if (!names.includes('up.json')) throw foreign(root, 'it holds files that are not of stockade up');
  const mark = markFrom(fresh.mark, readPublicText(fresh.mark, systemFiles));
  const portBase = input.given('port-base') ? input.whole('port-base') : mark.portBase;
  if (input.given('nodes') && input.whole('nodes') !== mark.nodes) {
    throw new CodedError('config_invalid', `the cluster in ${root} has ${mark.nodes} nodes`, {
      hint: 'Leave --nodes out to resume it, or choose another folder with --data DIR.',
    });
  }
  if (portBase !== mark.portBase) {
    throw new CodedError(
      'config_invalid',
      `the cluster in ${root} uses ports from ${mark.portBase}`,
      {
        hint: 'Leave --port-base out to resume it, or choose another folder with --data DIR.',
      },
    );
  }
  return { layout: upLayout(root, mark.nodes, mark.portBase), resumed: true };
};

const listed = (root: string): readonly string[] => {
  try {
    return systemFiles.list(root);
  } catch (cause) {
    if (systemErrorCode(cause) !== 'EACCES') throw cause;
    throw new CodedError('file_permissions', `${root} cannot be read by this user`, {
      hint: 'Choose a folder of yours with --data DIR.',
      cause,
    });
  }
};

const foreign = (root: string, why: string): CodedError =>
  new CodedError('data_folder_foreign', `${root} is left alone: ${why}`, {
    hint: 'Choose an empty or a new folder with --data DIR.',
  });

const prepare = (layout: UpLayout, input: CommandInput): void => {
  prepareFolder({
    root: layout.root,
    count: layout.nodes.length,
    portBase: input.whole('port-base'),
    files: systemFiles,
    random: cryptoRandom,
    progress,
  });
};

const startNodes = (layout: UpLayout, restart: boolean): readonly SupervisedNode<NodeLayout>[] => {
  const nodes: SupervisedNode<NodeLayout>[] = [];
  for (const node of layout.nodes) {
    const supervised = superviseNode(node, restart, (path) => openAppend(path).descriptor, {
      onStarted: () => {
        if (systemFiles.status(layout.clusterFile) !== undefined) writeClusterFile(layout, nodes);
      },
      onDied: ({ name, log }, how, restartsInMs) => {
        const next = restartsInMs === undefined ? 'it stays down' : 'it is started again';
        process.stderr.write(`stockade: node ${name} ended (${how}); ${next}; its log: ${log}\n`);
      },
    });
    nodes.push(supervised);
  }
  return nodes;
};

/** A node that cannot start says why in its log within this time, or it is only slow. */
const startMsMax = 120_000;

const allServe = async (
  layout: UpLayout,
  nodes: readonly SupervisedNode<NodeLayout>[],
  stop: StopRequest,
): Promise<boolean> => {
  const ca = readPublicText(layout.httpsCa, systemFiles);
  const until = performance.now() + startMsMax;
  const givenUp = (): boolean =>
    stop.isAsked() ||
    performance.now() > until ||
    nodes.some(({ ended, diedEarly }) => ended !== undefined || diedEarly >= earlyDeathsMax);
  const ready = await Promise.all(
    layout.nodes.map(async ({ name, httpPort }) => {
      const serves = await waitUntilReady(httpPort, ca, givenUp);
      if (serves) progress(`node ${name} serves`);
      return serves;
    }),
  );
  return ready.every(Boolean);
};

/** A node that ends this often before it served will not start. */
const earlyDeathsMax = 3;

const startFailed = (nodes: readonly SupervisedNode<NodeLayout>[]): CodedError => {
  const failed =
    nodes.find(({ ended, diedEarly }) => ended !== undefined || diedEarly > 0) ?? nodes[0];
  return new CodedError('not_ready', `node ${failed?.layout.name ?? ''} does not start`, {
    hint: `The reason is at the end of ${failed?.layout.log ?? 'its log'}`,
  });
};

const writeClusterFile = (layout: UpLayout, nodes: readonly SupervisedNode<NodeLayout>[]): void => {
  writeFileAtomically(
    { path: layout.clusterFile, content: Buffer.from(clusterFileText(layout, nodes)) },
    { files: systemFiles, random: cryptoRandom },
  );
};

const removeClusterFile = (layout: UpLayout): void => {
  if (systemFiles.status(layout.clusterFile) !== undefined) systemFiles.remove(layout.clusterFile);
};

/** The command. */
export const upCommand: Command = {
  name: 'up',
  summary: 'run a whole secure cluster on this machine, for trying and testing',
  usage: 'stockade up [--nodes 3] [--data DIR] [--port-base 4001] [--no-restart]',
  example: 'stockade up --nodes 3 --data ./stockade-data',
  takesSettings: false,
  options: [
    {
      name: 'nodes',
      kind: 'whole',
      value: 'N',
      standard: '3',
      min: 1,
      max: nodesMax,
      meaning: 'how many nodes',
    },
    {
      name: 'data',
      kind: 'text',
      value: 'DIR',
      standard: './stockade-data',
      meaning: 'the folder for everything; made if it is not there',
    },
    {
      name: 'port-base',
      kind: 'whole',
      value: 'PORT',
      standard: '4001',
      min: 1024,
      max: 65_000,
      meaning: 'node i: HTTPS on PORT+10(i-1), peers on the port behind it',
    },
    {
      name: 'no-restart',
      kind: 'switch',
      value: '',
      standard: 'false',
      meaning: 'leave a node that dies dead',
    },
  ],
  run,
};
