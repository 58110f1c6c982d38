// Faults of what keeps messages in order between two nodes: which connection carries what, what of
// a former connection is still heard, whose answer ends a call; see mutations.ts. In the simulator
// messages travel as objects, so these are for the tests of the transport alone.
import type { Mutation } from './mutation.ts';

/** The faults. */
export const mutationsOfTheTransport: readonly Mutation[] = [
  {
    name: 'transport: a former connection is heard beside the one that took its place',
    file: 'transport/peer-links.ts',
    find: "    if (older.boot === connection.boot) older.close('a newer connection took its place');\n    else older",
    replace: '    if (older.boot !== connection.boot) older',
  },
  {
    name: 'transport: an earlier run of a node is heard beside the present one',
    file: 'transport/peer-links.ts',
    find: "    else older.refuse('another run of this node took its place');\n",
    replace: '',
  },
  {
    name: 'transport: messages of one kind take turns between two connections',
    file: 'transport/peer-links.ts',
    find: 'pick(kind: ConnectionKind): PeerConnection | undefined {\n',
    replace:
      'pick(kind: ConnectionKind): PeerConnection | undefined {\n' +
      "    const all = ['dialled ', 'accepted '].flatMap((end) => this.#ready.get(end + kind) ?? []);\n" +
      '    this.#ready.turns ??= 0;\n' +
      '    if (all.length > 1) return all[this.#ready.turns++ % all.length];\n',
  },
  {
    name: 'transport: a connection that was closed in the middle of a chunk is heard to its end',
    file: 'transport/peer-connection.ts',
    find: 'if (this.#arrived.length === 0 || this.#closed) return;',
    replace: 'if (this.#arrived.length === 0) return;',
  },
  {
    name: 'transport: appends travel on the connection of heartbeats',
    file: 'transport/frame-kind.ts',
    find: "  append: 'bulk',",
    replace: "  append: 'heartbeat',",
  },
  {
    name: 'transport: a snapshot message is heard without its image',
    file: 'transport/frame-kind.ts',
    find: "  snapshot: 'image',",
    replace: "  snapshot: 'bulk',",
  },
  {
    name: 'transport: frames of one turn leave the last one first',
    file: 'transport/frame-link.ts',
    find: 'for (const { kind, payload } of this.#queued) at',
    replace: 'for (const { kind, payload } of this.#queued.reverse()) at',
  },
  {
    name: 'transport: a reply ends the call that waits longest',
    file: 'transport/outstanding-calls.ts',
    find: '    const call = this.#calls.get(reply.id);\n    if (call === undefined) return;\n    this.#calls.delete(reply.id);',
    replace:
      '    const [oldest] = this.#calls;\n    if (oldest === undefined) return;\n    const [id, call] = oldest;\n    this.#calls.delete(id);',
  },
  {
    name: 'transport: calls outlive the connection that they were asked on',
    file: 'transport/peer-connection.ts',
    find: '    this.calls.failAll(reason, this.#link.flushes);\n',
    replace: '',
  },
];
