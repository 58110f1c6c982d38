// Images as the node's loop sees them: those it sends while it leads and those it takes while it
// follows, joined to the core.
import type { TakenImage } from '#db/image/take-image.ts';
import { isNodeName, type NodeName } from '#identity/node-name.ts';
import { invariant } from '#invariant.ts';
import type { Consensus } from '#node/consensus.ts';
import type { ConsensusDriver, DriverEvents } from '#node/consensus-driver.ts';
import type { FolderIdentity } from '#node/identity-file.ts';
import type { Logger } from '#node/logger.ts';
import type { StrangerGate } from '#node/stranger-gate.ts';
import type { WriterKeeper } from '#node/writer-keeper.ts';
import { nodeId } from '#raft/node-id.ts';
import type { Raft } from '#raft/raft.ts';
import type { ImageAnnouncement, IncomingImage, Transport } from '#transport/transport.ts';
import { ImageReceiver, type ImageRepairs } from './image-receiver.ts';
import { ImageSender } from './image-sender.ts';

/** What images need of the node. */
export interface ImagesOptions {
  readonly folder: string;
  readonly identity: FolderIdentity;
  readonly log: Logger;
  readonly consensus: Consensus;
  readonly transport: Transport;
  readonly keeper: WriterKeeper;
  readonly gate: StrangerGate;
  readonly driver: () => ConsensusDriver;
  /** The log starts anew behind this image, and soon the database with it. */
  readonly onRestart: (image: TakenImage) => void;
  readonly repairs: ImageRepairs;
  readonly onFailed: (error: Error) => void;
}

type ImageEvents = Pick<DriverEvents, 'onSnapshotRequest' | 'onSnapshot' | 'onSnapshotDurable'>;

/** See the head of this file. */
export class Images {
  /** What the driver tells about images. */
  readonly events: ImageEvents;
  readonly #sender: ImageSender;
  readonly #receiver: ImageReceiver;
  readonly #raft: Raft;

  constructor(options: ImagesOptions) {
    const { consensus, identity, driver, gate, ...rest } = options;
    const { raft } = consensus;
    const sender = new ImageSender({
      ...rest,
      term: () => raft.softState.term,
      onEnd: (to, sent) => {
        raft.reportSnapshot(nodeId(to), sent);
        driver().drain();
      },
    });
    const receiver = new ImageReceiver({
      ...rest,
      raft,
      cluster: identity.cluster,
      self: nodeId(identity.name),
      // Its sender was heard when it offered; by now a member may lead, and a stranger is not.
      step: (message) => {
        const { from } = message;
        if (isNodeName(from) && gate.heeds(from, [message])) driver().step([message]);
      },
    });
    this.#raft = raft;
    this.#sender = sender;
    this.#receiver = receiver;
    this.events = {
      onSnapshotRequest: ({ to, message }) => {
        invariant(isNodeName(to), 'members have names of nodes');
        sender.request(to, message.index);
      },
      onSnapshot: (snapshot) => receiver.restarted(snapshot),
      onSnapshotDurable: () => receiver.durable(),
    };
  }

  /** Behind this entry the log must stay; undefined: no image is under way. */
  get heldIndex(): number | undefined {
    return this.#sender.heldIndex;
  }

  /** A peer offers an image. */
  offered(from: NodeName, image: ImageAnnouncement, incoming: IncomingImage): void {
    this.#receiver.offered(from, image, incoming);
  }

  /** Sends a node an image of the data here, whether or not its log needs one. */
  send(to: NodeName): void {
    this.#sender.request(to, this.#raft.commitIndex);
  }

  /** Gives up what is under way; its files are removed. */
  stop(): void {
    this.#sender.stop();
    this.#receiver.stop();
  }
}
