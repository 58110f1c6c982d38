// A node without a cluster looks for the others and forms one with them, or finds that it exists.
// Nothing is served meanwhile but meetings on the peer port. What may be done when is decided in
// founding.ts; here it is dialled, promised, and written down.
import type { Discovery } from '#cluster/discovery/discovery.ts';
import {
  decide,
  founderOf,
  isReleased,
  type MetAt,
  obstacleText,
  othersOf,
  type Pledge,
  type View,
} from '#cluster/forming/founding.ts';
import type { Founder, Introduction } from '#cluster/forming/introduction.ts';
import { answerMeeting, type Met, meetAt } from '#cluster/forming/meet.ts';
import { meetAll } from '#cluster/forming/meet-all.ts';
import type { MemberRecord } from '#command/member.ts';
import { CodedError } from '#errors.ts';
import { nodeNameFrom } from '#identity/node-name.ts';
import { storeIdFrom } from '#identity/store-id.ts';
import { openPeerListener, type PeerListener } from '#transport/peer-listener.ts';
import { writeBootstrap } from './node-files.ts';
import type { NodeLoopOptions } from './node-loop-options.ts';
import { ownFounder } from './own-founder.ts';
import { forgetPledge, readPledge, writePledge } from './pledge-file.ts';

/** Between two rounds. */
const roundEveryMs = 500;
/** What keeps a node waiting is said again after this long. */
const sayAgainMs = 30_000;
/** A view this old says nothing of now. */
const viewMsMax = 10_000;

/** What forming needs of the node. */
export interface FormingOptions
  extends Pick<NodeLoopOptions, 'config' | 'effects' | 'log' | 'identity' | 'material'> {
  readonly discovery: Discovery;
}

/**
 * Resolves when the cluster exists with this node: to its first members where this node is the one
 * that creates it, and has that on its disk; to undefined where another one did.
 *
 * @throws CodedError `config_invalid` when waiting cannot help, with what to do
 */
export const formCluster = async (
  options: FormingOptions,
): Promise<readonly MemberRecord[] | undefined> => {
  const forming = new Forming(options);
  const { config, identity, material, effects, log } = options;
  const listener: PeerListener = await openPeerListener({
    ...config.peer.listen,
    cluster: identity.cluster,
    material,
    onProved: (socket) => {
      socket.on('error', () => undefined);
      socket.destroy();
    },
    onMeeting: (socket, proved) => {
      answerMeeting(socket, proved, (met) => forming.answer(met));
    },
    onRefused: (address, reason) => {
      log.warn({ address, reason }, 'a connection to the peer port was refused');
    },
    monotonicMs: () => effects.clock.monotonicMs(),
  });
  try {
    return await forming.run();
  } finally {
    forming.end();
    await listener.close();
  }
};

class Forming {
  readonly #options: FormingOptions;
  readonly #self: Founder;
  readonly #run: string;
  #pledge: Pledge | undefined;
  #view: View;
  #viewMs = Number.NEGATIVE_INFINITY;
  /** Digest of the founding that this node is making. */
  #founding = '';
  #ended = false;
  #said = '';
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(options: FormingOptions) {
    const { config, identity, effects, material } = options;
    this.#options = options;
    this.#self = ownFounder(config, identity, material());
    this.#run = Buffer.from(effects.random.bytes(16)).toString('hex');
    this.#pledge = readPledge(config.node.data, effects.files);
    this.#view = this.#viewOf([], ['nobody was looked for yet'], this.#pledge);
  }

  /** Promises nothing any more. */
  end(): void {
    this.#ended = true;
  }

  async run(): Promise<readonly MemberRecord[] | undefined> {
    const { log } = this.#options;
    for (;;) {
      await this.#look();
      const decision = decide(this.#view);
      switch (decision.kind) {
        case 'refuse':
          throw new CodedError('config_invalid', decision.why, { hint: decision.hint });
        case 'follow':
          log.info({ by: decision.by }, 'the cluster exists, and this node is a member');
          return undefined;
        case 'found': {
          const why = await this.#maybeFound(decision.founders, decision.digest);
          if (why === undefined) return this.#create(decision.founders);
          this.#say(why);
          break;
        }
        case 'agree':
          this.#say(`all have met; ${decision.creator.name} creates the cluster`);
          break;
        case 'wait':
          this.#say(decision.why);
          break;
      }
      await new Promise((resolve) => setTimeout(resolve, roundEveryMs));
    }
  }

  /** What whoever dialled is told; a promise it asks for is on the disk before. */
  answer(met: Met): Introduction {
    if (met.says.ask !== '') this.#maybePromise(met);
    return this.#introduction('');
  }

  #maybePromise({ name, keyPin, says }: Met): void {
    const { effects, config, log } = this.#options;
    if (this.#ended || this.#founding !== '') return;
    if (effects.clock.monotonicMs() - this.#viewMs > viewMsMax) return;
    const decision = decide(this.#view);
    if (decision.kind !== 'agree' || decision.digest !== says.ask) return;
    const { creator } = decision;
    if (creator.name !== name || creator.keyPin !== keyPin) return;
    if (creator.storeId !== says.storeId) return;
    const pledge = { founding: says.ask, creator: name, creatorStoreId: says.storeId };
    writePledge(config.node.data, pledge, effects);
    this.#pledge = pledge;
    log.info({ creator: name }, 'promised to be part of this founding and of no other');
  }

  /** One round: everybody at every known address is met anew. */
  async #look(): Promise<void> {
    const { discovery, effects, config, identity, material } = this.#options;
    // A word of before the promise says nothing about it.
    const pledge = this.#pledge;
    const { met, unexplained } = await meetAll(discovery, this.#introduction(''), {
      cluster: identity.cluster,
      material,
    });
    if (pledge !== undefined && pledge === this.#pledge && isReleased(pledge, met)) {
      forgetPledge(config.node.data, effects.files);
      this.#pledge = undefined;
    }
    this.#view = this.#viewOf(met, unexplained, this.#pledge);
    this.#viewMs = effects.clock.monotonicMs();
  }

  #viewOf(met: readonly MetAt[], unexplained: readonly string[], pledge: Pledge | undefined): View {
    const { bootstrapExpect: expect } = this.#options.config.cluster;
    return { self: this.#self, run: this.#run, expect, met, unexplained, pledge };
  }

  #introduction(ask: string): Introduction {
    const { storeId, peerAddress, apiUrl } = this.#self;
    return {
      ...{ storeId, peerAddress, apiUrl, run: this.#run },
      stage: 'forming',
      expect: this.#view.expect,
      seen: [this.#self, ...othersOf(this.#view).map(founderOf)],
      obstacle: obstacleText({ ...this.#view, pledge: this.#pledge }),
      pledge: this.#pledge?.founding ?? '',
      founding: this.#founding,
      ask,
      stranger: '',
    };
  }

  /** Has all of the others promise; a text says who did not. */
  async #maybeFound(founders: readonly Founder[], digest: string): Promise<string | undefined> {
    this.#founding = digest;
    const promises = await Promise.all(
      founders
        .filter(({ name }) => name !== this.#self.name)
        .map((founder) => this.#promiseOf(founder, digest)),
    );
    const missing = promises.find((why) => why !== undefined);
    if (missing === undefined) return this.#claim(founders, digest);
    this.#founding = '';
    return missing;
  }

  async #promiseOf(founder: Founder, digest: string): Promise<string | undefined> {
    const { identity, material } = this.#options;
    const { name, keyPin, storeId } = founder;
    const address = this.#view.met.find((met) => met.name === name)?.at;
    if (address === undefined) return `${name} has no address`;
    const context = { cluster: identity.cluster, material };
    const met = await meetAt(address.host, address.port, this.#introduction(digest), context);
    if (typeof met === 'string') return `${name} does not promise: ${met}`;
    const same = met.name === name && met.keyPin === keyPin && met.says.storeId === storeId;
    if (same && met.says.pledge === digest) return undefined;
    return `${name} does not promise yet`;
  }

  /** Where there is a common memory, nobody else may have founded a cluster by it. */
  async #claim(founders: readonly Founder[], digest: string): Promise<string | undefined> {
    const names = founders.map(({ name }) => name).join(', ');
    const wanted = `${digest} ${names}`;
    let stands: string;
    try {
      stands = await this.#options.discovery.claim(wanted);
    } catch (error) {
      this.#founding = '';
      return `the founding cannot be written down: ${error instanceof Error ? error.message : 'why is not known'}`;
    }
    if (stands === wanted) return undefined;
    throw new CodedError(
      'config_invalid',
      `a cluster was founded here before, with others: ${stands.replace(/^\S+ /, '').slice(0, 200)}`,
      {
        hint: 'Let this node in there with a token; or, if that cluster is no more, remove the key `founding` from the store.',
      },
    );
  }

  #create(founders: readonly Founder[]): readonly MemberRecord[] {
    const { config, effects, log } = this.#options;
    const members = founders.map(
      ({ name, storeId, keyPin, peerAddress, apiUrl }): MemberRecord => ({
        ...{ name: nodeNameFrom(name), storeId: storeIdFrom(storeId) },
        ...{ keyPin, peerAddress, apiUrl },
      }),
    );
    writeBootstrap(config.node.data, members, effects);
    log.info({ members: members.map(({ name }) => name) }, 'this node creates the cluster');
    return members;
  }

  #say(why: string): void {
    const nowMs = this.#options.effects.clock.monotonicMs();
    if (why === this.#said && nowMs - this.#saidMs < sayAgainMs) return;
    this.#said = why;
    this.#saidMs = nowMs;
    this.#options.log.info({ why }, 'no cluster yet');
  }
}
