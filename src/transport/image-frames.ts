// What the two ends of an image's connection have in common.
import { imageBytesPerSecondMin, imageExtraMs } from './bounds.ts';

/** Where the frames of such a connection go. */
export interface ImageFrames {
  /** Returns why the frame breaks the protocol, else undefined. */
  onFrame(kind: number, payload: Buffer): string | undefined;
  /** Returns why the connection has had its time, else undefined; asked again and again. */
  overdue(nowMs: number): string | undefined;
  /** The connection is gone; called once. */
  onClosed(reason: string): void;
}

/** How long an image may take from its offer to its end, milliseconds. */
export const imageDeadlineMs = (rawBytes: number): number =>
  imageExtraMs + (rawBytes / imageBytesPerSecondMin) * 1000;
