// Joins the consensus core to disk and network: takes each Ready, persists, sends and reports back,
// as ready.ts demands. It decides nothing; what it must never do is send what waits for the disk.
import type { DurableLog } from '#log/durable-log.ts';
import type { Alarm } from '#raft/alarm.ts';
import type { Entry } from '#raft/entry.ts';
import type { LogIndex } from '#raft/log-index.ts';
import type { Message } from '#raft/message.ts';
import type { Raft } from '#raft/raft.ts';
import type { ReadState, Ready, SnapshotRequest, SoftState } from '#raft/ready.ts';
import type { Term } from '#raft/term.ts';
import type { Transport } from '#transport/transport.ts';

/** What the driver tells the rest of the node. */
export interface DriverEvents {
  readonly onCommit: (index: LogIndex) => void;
  readonly onSoftState: (state: SoftState) => void;
  readonly onReadStates: (states: readonly ReadState[]) => void;
  /** Something that no correct node does; consensus goes on, somebody should look. */
  readonly onAlarm: (alarm: Alarm) => void;
  /** Entries on their way to this node's disk, before they are durable. */
  readonly onAppend: (entries: readonly Entry[]) => void;
  readonly onSnapshotRequest: (request: SnapshotRequest) => void;
  /** The core has adopted an image; the record in the log is about to be written. */
  readonly onSnapshot: (snapshot: { readonly index: LogIndex; readonly term: Term }) => void;
  /** That record is durable. */
  readonly onSnapshotDurable: () => void;
  /** Entries that were asked for are in memory: whoever waits for them may look again. */
  readonly onLoaded: () => void;
  /** The disk or an invariant failed: the process must end. */
  readonly onFailed: (error: Error) => void;
}

interface Held {
  readonly sequence: number;
  readonly messages: Message[];
}

/** Drives one core. */
export class ConsensusDriver {
  readonly #raft: Raft;
  readonly #log: DurableLog;
  readonly #transport: Pick<Transport, 'send'>;
  readonly #events: DriverEvents;
  /** Messages that wait for a sync, oldest first. */
  readonly #held: Held[] = [];
  #scheduled = false;
  #turns = 0;
  #stopped = false;
  #commitIndex: LogIndex;
  #softState: SoftState;
  /** The batch with the record of an adopted image, while it is not durable. */
  #snapshotSequence: number | undefined;

  constructor(
    raft: Raft,
    log: DurableLog,
    transport: Pick<Transport, 'send'>,
    events: DriverEvents,
  ) {
    this.#raft = raft;
    this.#log = log;
    this.#transport = transport;
    this.#events = events;
    this.#commitIndex = raft.commitIndex;
    this.#softState = raft.softState;
  }

  /** Works off what the core has to say at the end of this turn of the event loop. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.drain());
  }

  /** Works it off now: at the end of a batch of input. */
  drain(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    try {
      while (this.#raft.hasReady()) this.#take(this.#raft.ready());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A tick of the clock; one that the core does not hear of (`heard` false) is a turn, too. */
  turn(heard: boolean): void {
    if (heard) this.#raft.tick();
    this.drain();
    this.#turns += 1;
  }

  /** How often {@link turn} came to its end. */
  get turns(): number {
    return this.#turns;
  }

  /** The log reports that everything up to `sequence` is on disk. */
  durable(sequence: number): void {
    if (this.#stopped) return;
    try {
      this.#raft.durable(sequence);
    } catch (error) {
      this.#fail(error);
      return;
    }
    while (this.#held[0] !== undefined && this.#held[0].sequence <= sequence) {
      const held = this.#held.shift();
      if (held !== undefined && held.messages.length > 0) this.#transport.send(held.messages);
    }
    if (this.#snapshotSequence !== undefined && this.#snapshotSequence <= sequence) {
      this.#snapshotSequence = undefined;
      this.#events.onSnapshotDurable();
    }
    this.drain();
  }

  /** Takes messages of one peer, in order. */
  step(messages: readonly Message[]): void {
    if (this.#stopped) return;
    try {
      for (const message of messages) this.#raft.step(message);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.drain();
  }

  /** Nothing is taken from the core any more. */
  stop(): void {
    this.#stopped = true;
  }

  #take(ready: Ready): void {
    if (ready.messagesNow.length > 0) this.#transport.send(ready.messagesNow);
    if (ready.mustSync) this.#persist(ready);
    else this.#sendAfterSync(ready.messagesAfterSync);
    for (const alarm of ready.alarms) this.#events.onAlarm(alarm);
    for (const { from, bytesMax } of ready.loads) this.#load(from, bytesMax);
    for (const request of ready.snapshotRequests) this.#events.onSnapshotRequest(request);
    if (ready.softState !== this.#softState) {
      this.#softState = ready.softState;
      this.#events.onSoftState(ready.softState);
    }
    if (ready.readStates.length > 0) this.#events.onReadStates(ready.readStates);
    if (ready.commitIndex > this.#commitIndex) {
      this.#commitIndex = ready.commitIndex;
      this.#events.onCommit(ready.commitIndex);
    }
  }

  #persist(ready: Ready): void {
    this.#held.push({ sequence: ready.sequence, messages: [...ready.messagesAfterSync] });
    if (ready.snapshot !== undefined) {
      this.#snapshotSequence = ready.sequence;
      this.#events.onSnapshot(ready.snapshot);
    }
    if (ready.entries.length > 0) this.#events.onAppend(ready.entries);
    this.#log.append(ready.sequence, {
      snapshot: ready.snapshot,
      truncateFrom: ready.truncateFrom,
      entries: ready.entries,
      hardState: ready.hardState,
    });
  }

  /** What needs no sync of its own may still rest on one that is under way. */
  #sendAfterSync(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const last = this.#held.at(-1);
    if (last === undefined) this.#transport.send(messages);
    else last.messages.push(...messages);
  }

  #load(from: LogIndex, bytesMax: number): void {
    this.#log.read(from, bytesMax).then(
      (entries) => {
        if (this.#stopped) return;
        this.#raft.loaded(entries);
        this.#events.onLoaded();
        this.drain();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#events.onFailed(error instanceof Error ? error : new Error(String(error)));
  }
}
