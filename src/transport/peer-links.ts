// All ready connections to one node: at most one a kind and direction, the newest. What is sent
// prefers the connection that this node dialled; the accepted one serves a node that must answer a
// leader it was not told of yet.
import type { CertificateMarks } from '#tls/deny-list.ts';
import type { ConnectionKind } from './frame-kind.ts';
import type { PeerConnection } from './peer-connection.ts';

const slotOf = (connection: PeerConnection): string =>
  `${connection.dialledFor === undefined ? 'accepted' : 'dialled'} ${connection.kind}`;

/** See the head of this file. */
export class PeerLinks {
  readonly #ready = new Map<string, PeerConnection>();
  #lastReceivedMs = Number.NEGATIVE_INFINITY;

  /** Whether there is something to send every kind of message on. */
  get up(): boolean {
    return this.pick('heartbeat') !== undefined && this.pick('bulk') !== undefined;
  }

  /** Whether no connection is ready. */
  get empty(): boolean {
    return this.#ready.size === 0;
  }

  /** The certificates that the node showed on them. */
  get shown(): readonly CertificateMarks[] {
    return [...this.#ready.values()].map(({ proved }) => proved);
  }

  /** When a byte last arrived from this node on any connection. */
  get receivedMs(): number {
    return Math.max(
      this.#lastReceivedMs,
      ...[...this.#ready.values()].map((connection) => connection.receivedMs),
    );
  }

  /** The connection to send on. */
  pick(kind: ConnectionKind): PeerConnection | undefined {
    return this.#ready.get(`dialled ${kind}`) ?? this.#ready.get(`accepted ${kind}`);
  }

  /**
   * Takes a ready connection; an older one of the same kind and direction is closed. If that is of
   * another run of the node, both hear of it: the node was restarted, or there are two of it.
   */
  add(connection: PeerConnection): void {
    const slot = slotOf(connection);
    const older = this.#ready.get(slot);
    this.#ready.set(slot, connection);
    if (older === undefined) return;
    if (older.boot === connection.boot) older.close('a newer connection took its place');
    else older.refuse('another run of this node took its place');
  }

  /** Forgets a connection that was closed; returns whether it was one of these. */
  remove(connection: PeerConnection): boolean {
    for (const [slot, ready] of this.#ready) {
      if (ready !== connection) continue;
      this.#lastReceivedMs = Math.max(this.#lastReceivedMs, connection.receivedMs);
      this.#ready.delete(slot);
      return true;
    }
    return false;
  }
}
