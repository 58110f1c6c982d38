// Takes the sting out of a committed entry that no writer can finish: on a majority, in the same
// place of the log, it becomes an entry that records an error and does nothing. Nodes that were
// left out find out by themselves that their log has another one, and get an image.

import type { Command } from '#command/command.ts';
import { decodeCommand, encodeCommand } from '#command/command-codec.ts';
import { decodeProposal, encodeProposal } from '#command/proposal-codec.ts';
import { recordedError } from '#db/statement-text.ts';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import { votingNames } from '#node/voting-names.ts';
import type { Entry } from '#raft/entry.ts';
import { logIndex } from '#raft/log-index.ts';
import { entryDigest } from './entry-digest.ts';
import { rewriteLog } from './rewrite-log.ts';
import type { StoppedNode } from './stopped-node.ts';

const message = 'an operator neutralized this entry: nothing of it was applied';

/** An entry as it stands in one node's log. */
export interface FoundEntry {
  readonly node: StoppedNode;
  readonly entry: Entry;
  readonly digest: string;
  /** It is neutral already. */
  readonly isNeutral: boolean;
}

/** What neutralizing would do. */
export interface NeutralizePlan {
  readonly index: number;
  readonly term: number;
  /** Of the entry as it was. */
  readonly digest: string;
  readonly found: readonly FoundEntry[];
  readonly voters: readonly string[];
  /** The folders at hand are of a majority of the voters. */
  readonly isMajority: boolean;
}

const guard = (what: string, hint: string): CodedError =>
  new CodedError('recovery_refused', what, { hint });

/** The neutral form of a command entry: same place, time, seed and user, and nothing to run. */
export const neutralEntry = (entry: Entry): Entry => {
  const proposal = decodeProposal(entry.data);
  const { schemaIndex, user, requestId } = decodeCommand(proposal.command);
  const command: Command = {
    ...{ schemaIndex, user, requestId, transaction: false, changesSchema: false },
    texts: [recordedError(message)],
    statements: [{ text: 0, positional: [], named: [] }],
  };
  return { ...entry, data: encodeProposal({ ...proposal, command: encodeCommand(command) }) };
};

const isNeutral = (entry: Entry): boolean => {
  const { texts } = decodeCommand(decodeProposal(entry.data).command);
  return texts.length === 1 && texts[0] === recordedError(message);
};

const find = async (node: StoppedNode, index: number): Promise<FoundEntry> => {
  const { folder, writer, stopped } = node;
  const [entry] = await stopped.log.read(logIndex(index), 1);
  if (entry?.index !== index) {
    throw guard(
      `entry ${index} is not in the log of ${folder}`,
      'Leave this folder out: the node gets what it lacks from the others.',
    );
  }
  if (entry.kind !== 'command') {
    throw guard(
      `entry ${index} is no write: it is a ${entry.kind}, which every writer finishes`,
      'The alarm of the node (stockade status, or its log) names the entry.',
    );
  }
  if (writer.state.appliedIndex >= index) {
    throw guard(
      `the database of ${folder} holds entry ${index} already`,
      'Leave this folder out: what was applied cannot be taken back here.',
    );
  }
  return { node, entry, digest: entryDigest(entry), isNeutral: isNeutral(entry) };
};

/**
 * Looks for the entry in all folders.
 *
 * @throws CodedError `recovery_refused` when it is not the same entry everywhere, or not one to
 *   neutralize
 */
export const planNeutralize = async (
  nodes: readonly StoppedNode[],
  index: number,
): Promise<NeutralizePlan> => {
  const found = await Promise.all(nodes.map((node) => find(node, index)));
  const [first] = found;
  if (first === undefined) throw guard('no data folder was named', 'Name at least one.');
  const open = found.filter((one) => !one.isNeutral);
  const digests = new Set(open.map(({ digest }) => digest));
  const terms = new Set(found.map(({ entry }) => entry.term));
  if (digests.size > 1 || terms.size > 1) {
    throw guard(
      `entry ${index} is not the same in ${found.map(({ node }) => node.folder).join(' and ')}`,
      'It is committed on one of them at most: start the nodes, let them agree, stop them again.',
    );
  }
  const voters = [...votingNames(first.node.membership)];
  const here = found.filter(({ node }) => voters.includes(node.identity.name));
  return {
    index,
    term: first.entry.term,
    digest: (open[0] ?? first).digest,
    found,
    voters,
    isMajority: here.length * 2 > voters.length,
  };
};

/** Does it, in every folder of the plan. */
export const neutralize = async (plan: NeutralizePlan, files: FileSystem): Promise<void> => {
  for (const { node, isNeutral: done } of plan.found) {
    if (done) continue;
    await rewriteLog(
      node.folder,
      node.stopped,
      `neutralize-${plan.index}`,
      (entry) => (entry.index === plan.index ? neutralEntry(entry) : entry),
      files,
    );
  }
};
