// What the node says to the process that posts captured changes. Keys stay in their files: it reads
// them by itself.
import type { WebhookSettings } from '#node/cdc/webhook-settings.ts';
import { jsonCodec, type Method, type SeamEvent } from '#process/seam.ts';

/** What a sender needs. */
export interface SenderStart {
  readonly folder: string;
  /** Name of this node, as receivers are told. */
  readonly node: string;
  readonly webhook: WebhookSettings;
}

/** How posting stands. */
export interface SenderState {
  /** Everything up to this entry was taken by the receiver, or is not for it. */
  readonly highWater: number;
  /** Since the sender began. */
  readonly sent: { readonly requests: number; readonly events: number };
  readonly failures: number;
  readonly failuresInRow: number;
  /** Why the last attempt failed, while it was not followed by one that did not. */
  readonly problem: string;
}

/** Begins to post; the answer is the reason why not, or empty. */
export const startSender: Method<SenderStart, { readonly error: string }> = {
  kind: 1,
  request: jsonCodec(),
  reply: jsonCodec(),
};

/** How posting stands, after each change of it. */
export const senderState: SeamEvent<SenderState> = { kind: 2, value: jsonCodec() };
