// A small language for scenarios, and what comes of them as text. Files under transcripts/ hold
// blocks: command lines, `----`, everything that happened, an empty line.
//
//   options KEY=NUMBER ...           settings of the core, before the first node
//   create A B ... [learner:C ...]   a cluster whose creator is A; all but A are empty
//   led A B ... [learner:C ...]      the same, and A is elected; only the outcome is told
//   add A                            an empty node that nobody knows
//   campaign A | tick A N            as it says
//   propose A TEXT | barrier A | read A CONTEXT | transfer A B
// change A CHANGE:NODE ...         CHANGE is add-voter, add-learner, remove or update; none: leave
//   deliver [A->B|KIND] [N]          the N oldest messages on their way (that match); default 1
//   drop [A->B|KIND]                 all messages on their way (that match) are lost
//   stabilize                        deliver until nothing is on its way
//   cut A B | isolate A | mend       links
//   disk A slow|fast                 slow: writes wait for `sync A`
//   sync A                           the oldest write reaches the disk
//   restart A [N]                    crash; of the unsynced writes the N oldest are kept
//   trim A INDEX | image A           A's log; A sends the image that was asked of it last
//   status                           one line a node
import { invariant } from '#invariant.ts';
import { describeMembership, describeMessage, describeReady } from '#raft/describe.ts';
import { logIndex } from '#raft/log-index.ts';
import type { MembershipChange } from '#raft/membership.ts';
import type { Message } from '#raft/message.ts';
import { nodeId } from '#raft/node-id.ts';
import type { Proposed, Ready, Refusal } from '#raft/ready.ts';
import { type Cluster, command, createCluster, createdContents } from './cluster.ts';

/** Runs a scenario; each call takes one command line and answers with what happened. */
export interface Transcript {
  run(line: string): readonly string[];
}

const describeRefusal = (refusal: Refusal): string =>
  `refused: ${refusal.kind}${'reason' in refusal ? ` (${refusal.reason})` : ''}`;

const describeProposed = (proposed: Proposed): string =>
  proposed.kind === 'accepted'
    ? `accepted at ${proposed.index}/${proposed.term}`
    : describeRefusal(proposed.refusal);

const changesFrom = (words: readonly string[]): MembershipChange[] =>
  words.map((word) => {
    const [kind, node = ''] = word.split(':');
    invariant(
      kind === 'add-voter' || kind === 'add-learner' || kind === 'remove' || kind === 'update',
      `${word} is a change`,
    );
    return { kind, node: nodeId(node) };
  });

/** Whether a message is one of those that `word` names: `A->B` or a kind. */
const matcher =
  (word: string | undefined) =>
  (message: Message): boolean =>
    word === undefined || word === message.kind || word === `${message.from}->${message.to}`;

/** A scenario without nodes. */
export const createTranscript = (): Transcript => {
  let lines: string[] = [];
  let cluster: Cluster | undefined;
  let options: Record<string, number> = {};

  const observer = {
    onReady: (id: string, ready: Ready) => {
      const [head, ...rest] = describeReady(ready);
      lines.push(`${id}: ${head}`, ...rest.map((line) => `${id}:   ${line}`));
    },
    onDeliver: (message: Message) => lines.push(`> ${describeMessage(message)}`),
  };

  const nodes = (): Cluster => {
    cluster ??= createCluster(options, observer);
    return cluster;
  };

  const raftOf = (name: string) => nodes().member(name).node.raft;

  const create = (words: readonly string[]): void => {
    const learners = words
      .filter((word) => word.startsWith('learner:'))
      .map((word) => word.slice(8));
    const voters = words.filter((word) => !word.startsWith('learner:'));
    for (const name of [...voters.slice(1), ...learners]) nodes().add(name);
    nodes().add(voters[0] ?? '', createdContents(voters, learners));
  };

  const led = (words: readonly string[]): void => {
    create(words);
    nodes().elect(words[0] ?? '');
    lines = [];
    status();
  };

  const status = (): void => {
    for (const { node } of nodes().members) lines.push(node.raft.describe());
  };

  const image = (name: string): void => {
    const request = nodes().member(name).snapshotRequests.pop();
    invariant(request !== undefined, `an image was asked of ${name}`);
    lines.push(`> image for ${request.to}: ${describeMembership(request.message.membership)}`);
    nodes().sendImage(request);
  };

  /** Commands whose effect is one call on a node's core; the node then does what it owes. */
  const onCore: Record<string, (name: string, words: readonly string[]) => string | undefined> = {
    campaign: (name) => {
      raftOf(name).campaign();
      return undefined;
    },
    propose: (name, [text = '']) => describeProposed(raftOf(name).propose(command(text))),
    barrier: (name) => describeProposed(raftOf(name).proposeBarrier()),
    read: (name, [context]) => refusalOf(raftOf(name).readIndex(Number(context))),
    transfer: (name, [to = '']) => refusalOf(raftOf(name).transferLeadership(nodeId(to))),
    change: (name, words) =>
      describeProposed(raftOf(name).proposeConfiguration(changesFrom(words), new Uint8Array(0))),
  };

  const refusalOf = (refusal: Refusal | undefined): string | undefined =>
    refusal === undefined ? undefined : describeRefusal(refusal);

  const onCluster: Record<string, (words: readonly string[]) => void> = {
    create,
    led,
    status,
    add: ([name = '']) => void nodes().add(name),
    tick: ([name = '', times = '1']) => nodes().tick(name, Number(times)),
    deliver: (words) => {
      const times = Number(words.find((word) => /^\d+$/.test(word)) ?? 1);
      const matches = matcher(words.find((word) => !/^\d+$/.test(word)));
      for (let count = 0; count < times; count += 1) {
        if (!nodes().deliverOne(matches)) lines.push('nothing to deliver');
      }
    },
    drop: ([word]) => {
      const { wire } = nodes();
      const lost = wire.filter(matcher(word));
      for (const message of lost) {
        wire.splice(wire.indexOf(message), 1);
        lines.push(`lost: ${describeMessage(message)}`);
      }
    },
    stabilize: () => nodes().deliverAll(),
    cut: ([from = '', to = '']) => nodes().cut(from, to),
    isolate: ([name = '']) => nodes().isolate(name),
    mend: () => nodes().mend(),
    disk: ([name = '', speed]) => {
      nodes().member(name).autoSync = speed === 'fast';
      nodes().settle(name);
    },
    sync: ([name = '']) => nodes().sync(name),
    restart: ([name = '', kept = '0']) => nodes().restart(name, Number(kept)),
    trim: ([name = '', index]) =>
      nodes()
        .member(name)
        .node.trim(logIndex(Number(index))),
    image: ([name = '']) => image(name),
    options: (words) => {
      options = Object.fromEntries(
        words.map((word) => word.split('=')).map(([key = '', value]) => [key, Number(value)]),
      );
    },
  };

  return {
    run(line) {
      lines = [];
      const [verb = '', ...words] = line.split(' ');
      const { [verb]: core } = onCore;
      const { [verb]: whole } = onCluster;
      if (core !== undefined) {
        const [name = '', ...rest] = words;
        const answer = core(name, rest);
        if (answer !== undefined) lines.push(answer);
        nodes().settle(name);
      } else {
        invariant(whole !== undefined, `${verb} is a command`);
        whole(words);
      }
      return lines;
    },
  };
};
