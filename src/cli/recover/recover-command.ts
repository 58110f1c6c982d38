// `stockade recover`: what to do when a cluster cannot help itself any more. Works on the data
// folders of stopped nodes. Without --apply it only looks and says what it would do.
import { resolve } from 'node:path';
import type { Command, CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { CodedError } from '#errors.ts';
import { systemEffects } from '#node/node-effects.ts';
import { neutralize, planNeutralize } from '#node/recovery/neutralize.ts';
import { beginEpoch, type EpochPlan, planEpoch, type Survivor } from '#node/recovery/new-epoch.ts';
import { finishRewrite } from '#node/recovery/rewrite-log.ts';
import { openStoppedNode, type StoppedNode } from '#node/recovery/stopped-node.ts';
import { foldersText } from './folders-text.ts';

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const names = (text: string): readonly string[] => (text === '' ? [] : text.split(','));

const usage = (message: string, hint: string): CodedError =>
  new CodedError('usage', message, { hint });

const run = async (input: CommandInput): Promise<number> => {
  if (input.words.length === 0) {
    throw usage('name the data folders', 'For example: stockade recover /var/lib/stockade/data');
  }
  if (input.given('neutralize') && input.given('voters')) {
    throw usage('--neutralize and --voters are two recoveries', 'Do one, start, look, then think.');
  }
  const nodes: StoppedNode[] = [];
  try {
    for (const word of input.words) {
      const folder = resolve(word);
      finishRewrite(folder, systemEffects.files);
      nodes.push(await openStoppedNode(folder, systemEffects));
    }
    requireOneCluster(nodes);
    say(foldersText(nodes));
    if (input.given('neutralize')) return await runNeutralize(nodes, input);
    if (input.given('voters')) return await runEpoch(nodes, input);
    return exitCodes.done;
  } finally {
    for (const node of nodes) await node.close();
  }
};

const requireOneCluster = (nodes: readonly StoppedNode[]): void => {
  const clusters = new Set(nodes.map(({ identity }) => identity.cluster));
  const members = new Set(nodes.map(({ identity }) => identity.name));
  if (clusters.size === 1 && members.size === nodes.length) return;
  throw new CodedError('recovery_refused', 'these folders are not of one cluster, each of a node', {
    hint: 'Name every folder once, all of one cluster.',
  });
};

const runNeutralize = async (
  nodes: readonly StoppedNode[],
  input: CommandInput,
): Promise<number> => {
  const index = input.whole('neutralize');
  const plan = await planNeutralize(nodes, index);
  say(`entry ${index} has term ${plan.term} and hash ${plan.digest}`);
  if (plan.found.every(({ isNeutral }) => isNeutral)) {
    say('it is neutral already');
    return exitCodes.done;
  }
  const expected = input.text('expect');
  if (expected !== '' && expected !== plan.digest) {
    throw new CodedError('recovery_refused', `the entry here has another hash than ${expected}`, {
      hint: 'It is not the entry that the other machine has: do not neutralize it there either.',
    });
  }
  if (!plan.isMajority && expected === '') {
    say(`these folders are of less than a majority of the voters (${plan.voters.join(', ')}).`);
    say('Name more folders, or, where they are on other machines, run this on a majority of them:');
    say(`  stockade recover DIR --neutralize ${index} --expect ${plan.digest} --apply`);
    return exitCodes.guarded;
  }
  if (!input.on('apply')) {
    say(`it would become an entry that records an error and does nothing; add --apply to do so`);
    return exitCodes.done;
  }
  await neutralize(plan, systemEffects.files);
  say(`entry ${index} is neutral in ${nodes.map(({ folder }) => folder).join(' and ')}`);
  say('Start the nodes now, these first. A node that was left out gets an image by itself.');
  return exitCodes.done;
};

const survivorsOf = (input: CommandInput): readonly Survivor[] => [
  ...names(input.text('voters')).map((name) => ({ name, voter: true })),
  ...names(input.text('read-replicas')).map((name) => ({ name, voter: false })),
];

const runEpoch = async (nodes: readonly StoppedNode[], input: CommandInput): Promise<number> => {
  const survivors = survivorsOf(input);
  const plans = nodes.map((node): [StoppedNode, EpochPlan] => [
    node,
    planEpoch(node, node.identity.name, survivors),
  ]);
  const [first] = plans;
  if (first === undefined) return exitCodes.usage;
  const [, { epoch, fenced, lifted, denied }] = first;
  say(`epoch ${epoch} would begin with ${survivors.map(({ name }) => name).join(', ')}`);
  if (fenced.length > 0) {
    say(`never heard again: ${fenced.join(', ')} (their disks and keys; the names are free)`);
  }
  const kept = denied.map(({ name, serial }) => name || `certificate ${serial}`);
  if (lifted.length > 0) {
    say(`denied no longer, because a voter would be kept away: ${lifted.join(', ')}`);
  }
  if (kept.length > 0) say(`still denied: ${kept.join(', ')}`);
  if (!input.on('apply')) {
    say('What only they had is lost. Be sure that they are gone, or stopped; then add --apply.');
    return exitCodes.done;
  }
  for (const [node, plan] of plans) {
    await beginEpoch(node.stopped, node.stopped.log.recovered, plan);
    say(`${node.folder} is of epoch ${plan.epoch}${plan.isDone ? ' already' : ''}`);
  }
  const here = new Set(nodes.map(({ identity }) => `${identity.name}`));
  const others = survivors.filter(({ name }) => !here.has(name)).map(({ name }) => name);
  if (others.length > 0) {
    say(`Run the same command on the folder of ${others.join(' and ')}, before any is started.`);
  }
  say('Start the survivors. Make up the number with: stockade admit NAME, then join.');
  return exitCodes.done;
};

/** The command. */
export const recoverCommand: Command = {
  name: 'recover',
  summary: 'repair data folders of stopped nodes: a lost quorum, an entry that never ends',
  usage:
    'stockade recover DIR... [--voters N1,N2 [--read-replicas N3]] [--neutralize INDEX] [--apply]',
  example: 'stockade recover /var/lib/stockade/data --voters n1,n3',
  takesSettings: false,
  options: [
    {
      name: 'voters',
      kind: 'text',
      value: 'NAMES',
      standard: '',
      meaning: 'a quorum is lost for good: go on with these, in a new epoch',
    },
    {
      name: 'read-replicas',
      kind: 'text',
      value: 'NAMES',
      standard: '',
      meaning: 'with --voters: who else is left, without a vote',
    },
    {
      name: 'neutralize',
      kind: 'whole',
      value: 'INDEX',
      standard: '',
      min: 1,
      meaning: 'this entry cannot be applied: record an error in its place',
    },
    {
      name: 'expect',
      kind: 'text',
      value: 'HASH',
      standard: '',
      meaning: 'with --neutralize: the hash that another machine printed for the entry',
    },
    {
      name: 'apply',
      kind: 'switch',
      value: '',
      standard: 'false',
      meaning: 'do it; without this the command only looks',
    },
  ],
  run,
};
