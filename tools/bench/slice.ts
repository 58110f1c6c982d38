// What the bench and its load process say to each other: one slice of load on one server.

/** A slice to run. */
export interface SliceJob {
  readonly host: string;
  readonly port: number;
  /** PEM of the server's authority; undefined for plain HTTP. */
  readonly ca: string | undefined;
  /** Complete requests, head and body; sent in turn, one in flight on each connection. */
  readonly requests: readonly Uint8Array[];
  readonly clients: number;
  readonly durationMs: number;
}

/** What a slice gave. */
export interface SliceResult {
  readonly requests: number;
  readonly failures: number;
  /** The first failure in words. */
  readonly failure: string | undefined;
  readonly seconds: number;
  /** Milliseconds of each request that was answered, in no order. */
  readonly latencies: Float64Array;
}

/** From the bench: a slice, then `go` when all connections stand. */
export type ToLoad = { readonly kind: 'job'; readonly job: SliceJob } | { readonly kind: 'go' };

/** From the load process. */
export type FromLoad =
  | { readonly kind: 'connected' }
  | { readonly kind: 'done'; readonly result: SliceResult }
  | { readonly kind: 'failed'; readonly reason: string };
