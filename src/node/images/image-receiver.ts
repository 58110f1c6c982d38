// Images on a follower: one at a time from the leader, checked in a process of its own, then handed
// to consensus, which decides whether the log starts anew behind it. When that is durable, and not
// before, the database in use is replaced. Meanwhile this node votes and logs as always.
import { imageFormatVersion } from '#db/image/image-offer.ts';
import type { TakenImage } from '#db/image/take-image.ts';
import type { NodeName } from '#identity/node-name.ts';
import { invariant } from '#invariant.ts';
import type { Logger } from '#node/logger.ts';
import { membershipFrom } from '#node/membership-codec.ts';
import type { ImageFinished } from '#node/seams/image-seam.ts';
import type { WriterKeeper } from '#node/writer-keeper.ts';
import { logIndex } from '#raft/log-index.ts';
import type { Membership } from '#raft/membership.ts';
import type { Message } from '#raft/message.ts';
import { type NodeId, nodeId } from '#raft/node-id.ts';
import type { Raft } from '#raft/raft.ts';
import { term } from '#raft/term.ts';
import type { ImageAnnouncement, IncomingImage } from '#transport/transport.ts';
import { ImageIntakeProcess } from './image-intake.ts';

/** Images that take the place of data that is wrong, while the log stays as it is. */
export interface ImageRepairs {
  /** The data here differs from the others', and may be replaced now. */
  readonly isWanted: () => boolean;
  /** Entries up to here are no longer in the log. */
  readonly trimmedIndex: () => number;
  readonly onTaken: () => void;
}

/** What receiving needs of the node. */
export interface ImageReceiverOptions {
  readonly folder: string;
  readonly cluster: string;
  readonly self: NodeId;
  readonly log: Logger;
  readonly raft: Raft;
  readonly keeper: WriterKeeper;
  /** Hands a message to the core and works off what it says. */
  readonly step: (message: Message) => void;
  /** The log starts anew behind this image; the old database is not fed any more. */
  readonly onRestart: (image: TakenImage) => void;
  readonly repairs: ImageRepairs;
  /** The new database cannot be opened: the process must end; the next start tries again. */
  readonly onFailed: (error: Error) => void;
}

/** See the head of this file. */
export class ImageReceiver {
  readonly #options: ImageReceiverOptions;
  #intake: ImageIntakeProcess | undefined;
  /** Handed to the core. */
  #deciding: TakenImage | undefined;
  /** The core has adopted it; its record is not durable yet, or the new writer not up. */
  #adopting: TakenImage | undefined;

  constructor(options: ImageReceiverOptions) {
    this.#options = options;
  }

  /** A peer offers an image. */
  offered(from: NodeName, image: ImageAnnouncement, incoming: IncomingImage): void {
    const { raft, folder, cluster, log } = this.#options;
    const refusal = this.#refusalOf(from, image);
    if (refusal !== undefined) {
      log.warn({ from, refusal }, 'an image is not wanted');
      incoming.refuse(refusal);
      return;
    }
    if (image.index <= raft.commitIndex && !this.#options.repairs.isWanted()) {
      // The sender does not know yet what this node has; the answer of the core tells it.
      this.#step(from, image, raft.membership);
      incoming.taken();
      return;
    }
    log.info({ from, ...image }, 'an image is received');
    const intake = new ImageIntakeProcess({
      folder,
      cluster,
      offer: image,
      incoming,
      onFinished: (finished) => this.#finished(from, image, incoming, intake, finished),
    });
    this.#intake = intake;
    void intake.ended.then(() => {
      if (this.#intake === intake) this.#intake = undefined;
    });
  }

  /** The core has adopted an image: a record in the log says so next. */
  restarted(snapshot: { readonly index: number }): void {
    const image = this.#deciding;
    invariant(image?.index === snapshot.index, 'the core adopts images that it was handed');
    this.#adopting = image;
    // Nothing of the old database is wanted any more, and it must not be written to from now on.
    this.#options.keeper.retire();
    this.#options.onRestart(image);
  }

  /** The record is durable: from here on every start ends with the image in use. */
  durable(): void {
    const image = this.#adopting;
    invariant(image !== undefined, 'the record of an image comes with an image');
    this.#options.keeper.adopt(image.generation).then(
      () => {
        this.#options.log.info({ index: image.index, term: image.term }, 'an image is in use');
        this.#adopting = undefined;
      },
      (error: unknown) => {
        this.#options.onFailed(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  /** Gives up what is under way. */
  stop(): void {
    this.#intake?.release();
  }

  #refusalOf(from: NodeName, image: ImageAnnouncement): string | undefined {
    if (this.#intake !== undefined || this.#adopting !== undefined) {
      return 'another image is under way here';
    }
    if (image.formatVersion !== imageFormatVersion) {
      return `this node reads images of version ${imageFormatVersion}`;
    }
    const { term: ownTerm, leader } = this.#options.raft.softState;
    if (image.senderTerm < ownTerm) return 'it is of an earlier term';
    if (image.senderTerm === ownTerm && leader !== undefined && leader !== nodeId(from)) {
      return 'another node leads';
    }
    return undefined;
  }

  #finished(
    from: NodeName,
    offer: ImageAnnouncement,
    incoming: IncomingImage,
    intake: ImageIntakeProcess,
    finished: ImageFinished,
  ): void {
    if (finished.kind === 'failed') {
      this.#options.log.error({ from, reason: finished.reason }, 'an image was not taken');
      intake.release();
      incoming.refuse(finished.reason);
      return;
    }
    const { active } = finished;
    if (active.length > 0) this.#options.log.info({ active }, 'the image runs these by itself');
    if (this.#mayRepair(finished)) {
      intake.release();
      incoming.taken();
      this.#repair(finished);
      return;
    }
    this.#deciding = finished;
    this.#step(from, offer, membershipFrom(finished.membership));
    this.#deciding = undefined;
    if (this.#adopting === finished) {
      intake.release();
      incoming.taken();
      return;
    }
    intake.discard();
    // Its entries came another way meanwhile, or its sender is not believed.
    if (this.#options.raft.commitIndex >= offer.index) incoming.taken();
    else incoming.refuse('it was not adopted');
  }

  /** The log holds all that follows the image, so only the database changes. */
  #mayRepair({ index }: TakenImage): boolean {
    const { raft, repairs } = this.#options;
    return repairs.isWanted() && index <= raft.commitIndex && index >= repairs.trimmedIndex();
  }

  #repair(image: TakenImage): void {
    const { keeper, log, repairs, onFailed } = this.#options;
    this.#adopting = image;
    repairs.onTaken();
    keeper.retire();
    keeper.adopt(image.generation).then(
      () => {
        log.info({ index: image.index }, 'an image has replaced data that differed');
        this.#adopting = undefined;
      },
      (error: unknown) => onFailed(error instanceof Error ? error : new Error(String(error))),
    );
  }

  #step(from: NodeName, image: ImageAnnouncement, membership: Membership): void {
    this.#options.step({
      kind: 'snapshot',
      from: nodeId(from),
      to: this.#options.self,
      term: term(image.senderTerm),
      index: logIndex(image.index),
      indexTerm: term(image.term),
      membership,
    });
  }
}
