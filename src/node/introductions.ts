// How a node that slept learns of members that came meanwhile: it asks the members it knows, and
// takes their word for who the others are. A certificate of the CA alone introduces nobody as long
// as there is somebody to ask.
import { decodeClusterRecord, encodeClusterRecord } from '#command/cluster-record-codec.ts';
import { CodedError } from '#errors.ts';
import { isNodeName, type NodeName } from '#identity/node-name.ts';
import type { Transport } from '#transport/transport.ts';
import type { Members } from './members.ts';
import { peerCalls } from './peer-calls.ts';

/** How long an answer may take, and how often one is asked for at most. */
const answerMs = 1000;
const askEveryMs = 200;

/** What it works with. */
export interface IntroductionsContext {
  readonly self: NodeName;
  readonly members: Members;
  readonly transport: () => Pick<Transport, 'isUp' | 'call' | 'sweep'> | undefined;
  readonly monotonicMs: () => number;
}

/** See the head of this file. */
export class Introductions {
  readonly #context: IntroductionsContext;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(context: IntroductionsContext) {
    this.#context = context;
  }

  /** Members on record, this node aside, that can be asked now. */
  get known(): readonly NodeName[] {
    const { self, members, transport } = this.#context;
    return members.all.flatMap(({ name }) =>
      isNodeName(name) && name !== self && transport()?.isUp(name) === true ? [name] : [],
    );
  }

  /** Asks whom it can ask, unless it did just now. */
  ask(): void {
    const nowMs = this.#context.monotonicMs();
    if (nowMs - this.#askedMs < askEveryMs) return;
    this.#askedMs = nowMs;
    for (const name of this.known) {
      const nothing = Buffer.alloc(0);
      this.#context.transport()?.call(name, peerCalls.introduce, nothing, answerMs, (reply) => {
        if (reply.kind === 'reply') this.#take(reply.payload);
      });
    }
  }

  /** A member asks; false when it asks for something else. */
  answer(method: number, reply: (payload: Uint8Array) => void): boolean {
    if (method !== peerCalls.introduce) return false;
    reply(encodeClusterRecord(this.#context.members.latest.record));
    return true;
  }

  #take(payload: Buffer): void {
    const { members, transport } = this.#context;
    try {
      members.introduce(decodeClusterRecord(payload).members);
    } catch (error) {
      // A member of a later version, or one that lies: as if it had not answered.
      if (error instanceof CodedError) return;
      throw error;
    }
    // Who is connected under one of these names with another key is cut before it is heeded.
    transport()?.sweep();
  }
}
