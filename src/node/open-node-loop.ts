// Opens log, core and peer port of a node and joins them to its loop.
import { openTransport } from '#transport/open-transport.ts';
import type { Transport } from '#transport/transport.ts';
import { Acquaintances } from './acquaintances.ts';
import { closingOnFailure } from './closing-on-failure.ts';
import { addressText } from './config.ts';
import { openConsensus } from './consensus.ts';
import { Engines } from './engines.ts';
import { recoverAdoption } from './images/recover-adoption.ts';
import { Introductions } from './introductions.ts';
import { Members } from './members.ts';
import type { MembershipChanges } from './membership-changes.ts';
import { NodeLoop } from './node-loop.ts';
import type { NodeLoopOptions } from './node-loop-options.ts';
import { openGate, openMembership } from './open-membership.ts';
import { refused } from './proposals.ts';

/** The replicated formats this program understands; grows with releases. */
const featureLevel = 1;

/** A running loop, and what else the node asks about its cluster. */
export interface OpenedNodeLoop {
  readonly loop: NodeLoop;
  readonly members: Members;
  readonly membership: MembershipChanges;
}

/** @throws CodedError with what is wrong and what to do */
export const openNodeLoop = async (options: NodeLoopOptions): Promise<OpenedNodeLoop> => {
  const { config, effects, identity, bootstrap, database, keeper, logThread, onFatal } = options;
  let loop: NodeLoop | undefined;
  const consensus = await openConsensus({
    config,
    identity,
    logThread,
    database: (log) => recoverAdoption(log, database, keeper, config.node.data, effects.files),
    bootstrap,
    ...effects,
    onDurable: (sequence) => loop?.onDurable(sequence),
    onSynced: (micros) => loop?.onSynced(micros),
    onDiskFull: (full) => loop?.onDiskFull(full),
    onFailed: onFatal,
  });
  return closingOnFailure(
    () => consensus.log.close(),
    async () => {
      // Nobody makes or receives an image yet.
      await keeper.removeLeftovers(true);
      const members = new Members(
        identity.name,
        consensus.records,
        () => consensus.raft.softState.term,
      );
      let transport: Transport | undefined;
      const introductions = new Introductions({
        self: identity.name,
        members,
        transport: () => transport,
        monotonicMs: () => effects.clock.monotonicMs(),
      });
      const engines = new Engines(database.engine);
      const gate = openGate(options, consensus, members, introductions);
      let changes: MembershipChanges | undefined;
      let acquaintances: Acquaintances | undefined;
      const opening = await openTransport({
        cluster: identity.cluster,
        self: identity.name,
        storeId: identity.store,
        featureLevel,
        engine: engines.own,
        advertise: addressText(config.peer.advertise),
        listenHost: config.peer.listen.host,
        listenPort: config.peer.listen.port,
        material: options.material,
        denied: (proved) => members.denial(proved),
        admit: (peer) => {
          const admission = engines.admit(peer, members.admit(peer));
          if (admission.kind === 'heard' && members.told(peer.name, peer.address)) {
            loop?.setPeersLater();
          }
          return admission;
        },
        onMeeting: (socket, proved) => {
          if (acquaintances === undefined) socket.destroy();
          else acquaintances.answer(socket, proved);
        },
        onMessages: (from, messages) => {
          if (gate.heeds(from, messages)) loop?.onMessages(messages);
        },
        onCall: (from, method, payload, reply) => {
          if (!gate.mayCall(from)) return;
          if (introductions.answer(method, reply)) return;
          if (changes?.answer(from, method, payload, reply) === true) return;
          loop?.onCall(from, method, payload, reply);
        },
        onImage: (from, image, incoming) => {
          if (gate.heeds(from, [])) loop?.onImage(from, image, incoming);
          else incoming.refuse('not a member');
        },
        onLink: (name, up, reason) => loop?.onLink(name, up, reason),
        onRefused: (address, reason, why) => {
          if (options.knocks.isRefusalOf(address)) return;
          loop?.onRefused(why);
          options.log.warn({ address, reason }, 'a connection to the peer port was refused');
        },
        monotonicMs: () => effects.clock.monotonicMs(),
        wallMs: () => effects.clock.wallMs(),
        random: () => effects.random.below(2 ** 32) / 2 ** 32,
      });
      transport = opening;
      const opened = openMembership(options, consensus, members, opening, {
        drain: () => loop?.drain(),
        stepDown: async (to, waitMs) =>
          (await loop?.stepDown({ to, waitMs })) ?? refused('not_ready', 'this node is starting'),
      });
      changes = opened.membership;
      acquaintances = new Acquaintances({
        ...options,
        random: effects.random,
        members,
        isUp: (name) => opened.membership.isUp(name),
        onTold: () => loop?.setPeersLater(),
      });
      const parts = {
        consensus,
        members,
        transport: opening,
        gate,
        engines,
        acquaintances,
        ...opened,
      };
      loop = new NodeLoop(options, parts);
      loop.start();
      return { loop, members, membership: opened.membership };
    },
  );
};
