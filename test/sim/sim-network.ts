// The network of a simulation: delays that reorder, losses, duplicates, links cut one way or both.
import { describeMessage } from '#raft/describe.ts';
import type { Message } from '#raft/message.ts';
import type { NodeId } from '#raft/node-id.ts';
import { isHeard, runIn, type SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/** A connection: between two disks, and over when one of them is not heard any more. */
interface Link {
  isOpen(): boolean;
}

const linkBetween = (world: World, { from, to }: Message): Link => {
  const ends = [from, to].flatMap((id) => {
    const sim = world.nodeOf(id);
    return sim === undefined ? [] : [{ sim, storeId: sim.storeId, wasOpen: isHeard(sim) }];
  });
  return {
    isOpen: () =>
      ends.every(({ sim, storeId, wasOpen }) => wasOpen && isHeard(sim) && sim.storeId === storeId),
  };
};

/** The links between the nodes. */
export interface SimNetwork {
  send(world: World, message: Message): void;
  isConnected(from: NodeId, to: NodeId): boolean;
  /** Cuts links by chance: a node off, a split in two, or some links one way. */
  breakSomething(world: World): void;
  /** Cuts a node off from all others. */
  cutOff(world: World, one: SimNode): void;
  mend(): void;
}

/** A network with all links up. */
export const createSimNetwork = (): SimNetwork => {
  const cuts = new Set<string>();
  const isConnected = (from: NodeId, to: NodeId): boolean => !cuts.has(`${from}>${to}`);

  const deliver = (world: World, message: Message, link: Link): void => {
    const target = world.nodeOf(message.to);
    if (target?.life === undefined || !isConnected(message.from, message.to)) return;
    if (!link.isOpen()) {
      world.counts.messagesRefused += 1;
      return;
    }
    world.trace(() => describeMessage(message));
    runIn(world, target, ({ node }) => node.raft.step(message), target.life);
  };

  const lose = (world: World, message: Message): void => {
    world.counts.messagesLost += 1;
    world.trace(() => `lost: ${describeMessage(message)}`);
    const sender = world.nodeOf(message.from);
    const { life } = sender ?? {};
    if (sender === undefined || life === undefined || !world.random.chance(0.3)) return;
    world.queue.schedule(10, () =>
      runIn(world, sender, ({ node }) => node.raft.reportUnreachable(message.to), life),
    );
  };

  return {
    isConnected,
    send(world, message) {
      const { random, weather, queue, counts } = world;
      counts.messages += 1;
      if (!isConnected(message.from, message.to) || random.chance(weather.lossChance)) {
        lose(world, message);
        return;
      }
      const link = linkBetween(world, message);
      const copies = random.chance(weather.duplicateChance) ? 2 : 1;
      if (copies > 1) counts.messagesDuplicated += 1;
      for (let copy = 0; copy < copies; copy += 1) {
        const isLong = random.chance(weather.longDelayChance);
        const delayMs = isLong ? random.below(500) : random.below(weather.delayMsMax * 10) / 10;
        queue.schedule(0.2 + delayMs, () => deliver(world, message, link));
      }
    },
    breakSomething(world) {
      const { random, nodes } = world;
      world.counts.partitions += 1;
      const one = random.pick(nodes);
      const kind = random.below(3);
      const side = new Set(nodes.filter(() => random.chance(0.5)));
      const isCut = (from: SimNode, to: SimNode): boolean => {
        if (kind === 0) return from === one || to === one;
        if (kind === 1) return side.has(from) !== side.has(to);
        return random.chance(0.3);
      };
      for (const from of nodes) {
        for (const to of nodes) {
          if (from !== to && isCut(from, to)) cuts.add(`${from.id}>${to.id}`);
        }
      }
      world.trace(() => `links cut: ${[...cuts].join(' ')}`);
    },
    cutOff(world, one) {
      for (const { id } of world.nodes) {
        if (id === one.id) continue;
        cuts.add(`${one.id}>${id}`).add(`${id}>${one.id}`);
      }
    },
    mend() {
      cuts.clear();
    },
  };
};
