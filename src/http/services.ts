// What routes work with: made once by the front, handed to every route.
import type { Backend } from './backend.ts';
import type { CertificateEnd } from './certificate-ends.ts';
import type { ChangeStreams } from './changes/change-streams.ts';
import type { ConsoleFiles } from './console-files.ts';
import type { DataService } from './data/data-service.ts';
import type { OnFault } from './data/guarded.ts';
import type { WriteQueue } from './queue/write-queue.ts';

/** The front's parts that routes may use. */
export interface Services {
  readonly backend: Backend;
  readonly data: DataService;
  readonly queue: WriteQueue;
  readonly changes: ChangeStreams;
  /** host:port of this node's API as others are told: X-RQLITE-SERVED-BY of local answers. */
  readonly advertisedAddress: string;
  /** The address this front listens on, for `/status`. */
  readonly boundAddress: () => string;
  /** Origins whose pages may use this API. */
  readonly allowOrigins: ReadonlySet<string>;
  /** Told of faults of our own; for the log. */
  readonly onFault: OnFault;
  readonly version: string;
  readonly consoleFiles: ConsoleFiles;
  /** When this node's certificates end, and the wall clock (milliseconds since 1970) for it. */
  readonly certificateEnds: () => readonly CertificateEnd[];
  readonly wallMs: () => number;
  /** A monotonic clock, milliseconds. */
  readonly nowMs: () => number;
}
