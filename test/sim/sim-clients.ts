// Clients of a simulation: each does one operation after the other on registers and lists, through
// whichever node it believes to lead, and writes down what it saw. Everything that is not known to
// have failed stays in the history.
import type { Entry } from '#raft/entry.ts';
import type { LogIndex } from '#raft/log-index.ts';
import type { Proposed } from '#raft/ready.ts';
import { SimulationFailure } from './checks.ts';
import type { Operation } from './linearizability.ts';
import { type Life, type NodeListener, runIn, type SimNode } from './sim-node.ts';
import { commandOf, encodeCommand, type Input } from './workload.ts';
import type { World } from './world.ts';

const keys = ['register-1', 'register-2', 'list-1', 'list-2'] as const;

/** How long a client waits for an answer before it goes on without one. */
const patienceMs = 150;

const staleRead = ({ node }: Life, index: LogIndex, committed: number): string =>
  `${node.id} reads at ${index} although ${committed} was committed when the read began`;

/** A command's name; the client's clock never shows the same time twice. */
const idOf = (calledAt: number): string => `c${calledAt}`;

interface Open {
  readonly key: string;
  readonly input: Input;
  readonly calledAt: number;
  readonly life: Life;
  /** What was committed anywhere when the client asked: a read must see all of it (6.4). */
  readonly committed: number;
  /** Writes and barrier reads: the entry that stands for the operation. */
  proposed: { readonly index: LogIndex; readonly term: number } | undefined;
  /** Reads by read index: the index to wait for, once it is known. */
  readAt: LogIndex | undefined;
  readContext: number | undefined;
  isOver: boolean;
  readonly goOn: () => void;
}

/** The clients and what they saw. */
export interface SimClients {
  readonly listener: NodeListener;
  start(world: World, clientCount: number): void;
  /** No more operations begin. */
  stop(): void;
  /**
   * By key, every operation that took effect. Called when the cluster is at rest: a write whose
   * client heard nothing took effect by its first apply anywhere, or never.
   */
  history(): ReadonlyMap<string, readonly Operation<Input, string>[]>;
  readonly completed: number;
}

/** Clients that have done nothing yet. */
export const createSimClients = (): SimClients => {
  const histories = new Map<string, Operation<Input, string>[]>();
  const appliedAt = new Map<string, number>();
  let open: Open[] = [];
  let clock = 0;
  let numbers = 0;
  let completed = 0;
  let isStopped = false;

  const record = (one: Open, output: string | undefined): void => {
    const history = histories.get(one.key) ?? [];
    histories.set(one.key, history);
    clock += 1;
    const returned = output === undefined ? undefined : { at: clock, output };
    history.push({ input: one.input, calledAt: one.calledAt, returned });
  };

  const end = (one: Open, outcome: { readonly output: string } | 'failed' | 'unknown'): void => {
    if (one.isOver) return;
    one.isOver = true;
    open = open.filter((other) => other !== one);
    if (outcome === 'unknown') {
      // A read that nobody heard of changed nothing and tells nothing.
      if (one.input.kind !== 'read') record(one, undefined);
    } else if (outcome !== 'failed') {
      completed += 1;
      record(one, outcome.output);
    }
    one.goOn();
  };

  const outputOf = (one: Open): string =>
    one.input.kind === 'read' ? (one.life.values.get(one.key) ?? '') : '';

  const inputFor = (world: World, key: string): Input => {
    numbers += 1;
    if (world.random.chance(0.4)) return { kind: 'read', value: '' };
    return { kind: key.startsWith('list') ? 'append' : 'write', value: String(numbers) };
  };

  const begin = (world: World, one: Open, { node }: Life): boolean => {
    if (one.input.kind === 'read' && world.random.chance(0.7)) {
      numbers += 1;
      one.readContext = numbers;
      return node.raft.readIndex(numbers) === undefined;
    }
    const proposed: Proposed =
      one.input.kind === 'read'
        ? node.raft.proposeBarrier()
        : node.raft.propose(
            encodeCommand(
              { id: idOf(one.calledAt), key: one.key, input: one.input },
              Math.floor(world.queue.now),
            ),
          );
    if (proposed.kind === 'accepted') one.proposed = proposed;
    return proposed.kind === 'accepted';
  };

  const targetOf = (world: World): SimNode => {
    const leading = world.nodes.filter(
      (sim) =>
        sim.life?.node.raft.softState.role === 'leader' && sim.pausedUntil <= world.queue.now,
    );
    return world.random.pick(
      leading.length > 0 && world.random.chance(0.9) ? leading : world.nodes,
    );
  };

  const next = (world: World): void => {
    if (isStopped) return;
    world.queue.schedule(1 + world.random.below(25), () => {
      const target = targetOf(world);
      const { life } = target;
      const key = world.random.pick(keys);
      if (life === undefined) {
        next(world);
        return;
      }
      clock += 1;
      const one: Open = {
        key,
        input: inputFor(world, key),
        calledAt: clock,
        life,
        committed: world.checks.commitIndex,
        proposed: undefined,
        readAt: undefined,
        readContext: undefined,
        isOver: false,
        goOn: () => next(world),
      };
      if (one.input.kind === 'read') world.counts.reads += 1;
      else world.counts.writes += 1;
      open.push(one);
      runIn(world, target, (running) => {
        if (running === life && !one.isOver && !begin(world, one, life)) end(one, 'failed');
      });
      world.queue.schedule(patienceMs, () => {
        if (!one.isOver) world.counts.unknownOutcomes += 1;
        end(one, 'unknown');
      });
    });
  };

  return {
    get completed() {
      return completed;
    },
    listener: {
      onApplied(life, entry: Entry) {
        const id = commandOf(entry)?.id;
        clock += 1;
        if (id !== undefined && !appliedAt.has(id)) appliedAt.set(id, clock);
        for (const one of open) {
          if (one.life !== life || one.proposed?.index !== entry.index) continue;
          // Another entry in its place: what was proposed can never be committed.
          if (one.proposed.term !== entry.term) end(one, 'failed');
          else end(one, { output: outputOf(one) });
        }
      },
      onReadState(life, { context, index, refused }) {
        for (const one of open) {
          if (one.life !== life || one.readContext !== context) continue;
          if (refused) end(one, 'failed');
          else if (index >= one.committed) one.readAt = index;
          else throw new SimulationFailure(staleRead(life, index, one.committed));
        }
      },
      afterTurn(life) {
        for (const one of open) {
          if (one.life !== life || one.readAt === undefined) continue;
          if (life.node.database.appliedIndex >= one.readAt) end(one, { output: outputOf(one) });
        }
      },
    },
    start(world, clientCount) {
      for (let client = 0; client < clientCount; client += 1) next(world);
    },
    stop() {
      isStopped = true;
    },
    history() {
      for (const one of [...open]) end(one, 'unknown');
      const known = (operation: Operation<Input, string>): Operation<Input, string>[] => {
        if (operation.returned !== undefined) return [operation];
        const at = appliedAt.get(idOf(operation.calledAt));
        return at === undefined ? [] : [{ ...operation, returned: { at, output: undefined } }];
      };
      return new Map([...histories].map(([key, history]) => [key, history.flatMap(known)]));
    },
  };
};
