// Streams of captured changes as server-sent events: polls the readers, woken when this node has
// applied more. A stream holds one poll's worth of events at most, and no further poll is made
// before its client has taken that.
import type { Principal } from '#auth/principal.ts';
import { CodedError } from '#errors.ts';
import type { Backend, ByteSource } from '#http/backend.ts';
import {
  changeStreamsMax,
  changeStreamsPerUserMax,
  changesBytesPerPoll,
  changesKeepAliveMs,
  changesPollMs,
} from '#http/front-limits.ts';
import type { Sample } from '#http/metrics/exposition.ts';
import type { ChangesReply, EntryChanges } from './backend-changes.ts';

/** What a client asked for. */
export interface StreamRequest {
  readonly principal: Principal;
  readonly requestId: string;
  /** Changes behind this entry; undefined: behind the last one that is there. */
  readonly after: number | undefined;
  /** Only of these tables; empty: of all. */
  readonly tables: readonly string[];
}

type Found = Extract<ChangesReply, { readonly kind: 'changes' }>;

const textOf = ({ index, timeMs }: EntryChanges, events: readonly string[]): string =>
  `id: ${index}\nevent: changes\ndata: {"index":${index},"commit_timestamp":${timeMs},` +
  `"events":[${events.join(',')}]}\n\n`;

const gone = (through: number): CodedError =>
  new CodedError('changes_gone', `changes up to entry ${through} are not kept here any more`, {
    hint: 'Read the tables anew, then ask without from, or raise cdc.keptBytes.',
  });

/** The streams of one front. */
export class ChangeStreams {
  readonly #backend: Backend;
  readonly #open = new Map<object, string>();
  #closed = false;
  #events = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** @throws CodedError `changes_off`, `changes_gone`, `queue_full`, `replica_differs` */
  async open(request: StreamRequest): Promise<ByteSource> {
    const { name } = request.principal;
    const own = [...this.#open.values()].filter((user) => user === name).length;
    if (this.#open.size >= changeStreamsMax || own >= changeStreamsPerUserMax) {
      throw new CodedError('queue_full', 'as many streams of changes are open as may be', {
        hint: 'Close one, or ask another node.',
        applied: 'no',
      });
    }
    const stream = {};
    this.#open.set(stream, name);
    const release = (): void => {
      this.#open.delete(stream);
    };
    try {
      // Behind everything: where the store begins and ends, and none of its events.
      const first = await this.#poll(request, Number.MAX_SAFE_INTEGER);
      const after = request.after ?? first.storedIndex;
      if (after < first.droppedIndex) throw gone(first.droppedIndex);
      const isOpen = (): boolean => !this.#closed && this.#open.has(stream);
      return { bytes: undefined, chunks: this.#chunks(request, after, isOpen), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Every stream ends at its next turn; none is opened any more. */
  close(): void {
    this.#closed = true;
  }

  /** What they come to, for `/metrics`. */
  samples(): readonly Sample[] {
    return [
      { name: 'stockade_change_streams', labels: {}, value: this.#open.size },
      { name: 'stockade_change_stream_events_total', labels: {}, value: this.#events },
    ];
  }

  async *#chunks(
    request: StreamRequest,
    from: number,
    isOpen: () => boolean,
  ): AsyncGenerator<Uint8Array> {
    let after = from;
    const wanted = new Set(request.tables.map((table) => table.toLowerCase()));
    yield Buffer.from(`: changes behind entry ${after}\nid: ${after}\n\n`);
    try {
      for (let quietMs = 0; isOpen(); ) {
        const found = await this.#poll(request, after);
        if (after < found.droppedIndex) throw gone(found.droppedIndex);
        const text = found.entries
          .map((entry) => this.#shown(request.principal, wanted, entry))
          .join('');
        const moved = found.through > after;
        after = found.through;
        if (text !== '') {
          quietMs = 0;
          yield Buffer.from(text);
        } else if (quietMs >= changesKeepAliveMs) {
          quietMs = 0;
          // An id without data: a client that comes back need not have seen these again.
          yield Buffer.from(`: nothing new\nid: ${after}\n\n`);
        }
        if (moved) continue;
        if (!(await this.#applied(after + 1))) quietMs += changesPollMs;
      }
      yield errorText('shutting_down', 'this node is stopping');
    } catch (error) {
      const coded = error instanceof CodedError ? error : undefined;
      yield errorText(coded?.code ?? 'internal', coded?.message ?? 'a fault of this program');
      if (coded === undefined) throw error;
    }
  }

  /** What this user may see of an entry, and wants to. */
  #shown(principal: Principal, wanted: ReadonlySet<string>, entry: EntryChanges): string {
    const events = entry.events.flatMap(({ table, head, images }) => {
      if (table !== '') {
        if (wanted.size > 0 && !wanted.has(table.toLowerCase())) return [];
        const reached = { access: 'read', reads: [table], writes: [] } as const;
        if (principal.tables?.lackedBy(reached) !== undefined) return [];
      }
      return [`{${head}${images}}`];
    });
    this.#events += events.length;
    return events.length === 0 ? '' : textOf(entry, events);
  }

  #poll({ principal, requestId }: StreamRequest, after: number): Promise<Found> {
    if (this.#backend.view.quarantined) {
      throw new CodedError('replica_differs', 'The data of this node is not what the others have');
    }
    const request = { user: principal.name, requestId, after, bytesMax: changesBytesPerPoll };
    return new Promise((resolve, reject) => {
      this.#backend.changes({ ...request, deadlineMs: changesKeepAliveMs }, (reply) => {
        if (reply.kind === 'changes') resolve(reply);
        else reject(new CodedError(reply.code, reply.message, { applied: 'no' }));
      });
    });
  }

  /** Whether an entry was applied within the time between two polls. */
  #applied(index: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#backend.whenApplied(index, changesPollMs, resolve);
    });
  }
}

const errorText = (code: string, message: string): Buffer =>
  Buffer.from(`event: error\ndata: ${JSON.stringify({ error: message, code })}\n\n`);
