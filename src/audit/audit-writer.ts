// Appends to the audit log: a batch of events is one write and one sync. Synchronous: it lives in a
// thread of its own. Whatever another program did to the file meanwhile is noticed before a write
// and becomes part of the record.
import { dirname } from 'node:path';
import type { Clock } from '#io/clock.ts';
import { type FileSystem, type OpenFile, systemErrorCode } from '#io/file-system.ts';
import type { AuditEvent } from './audit-event.ts';
import { olderFiles, olderName } from './audit-files.ts';
import { type ChainHead, emptyHead, nextLine, readLine } from './chain.ts';

/** How an audit log is written. */
export interface AuditWriterOptions {
  readonly path: string;
  readonly node: string;
  /** A file that has reached this size is left and a new one begun. */
  readonly fileBytes: number;
  /** How many files are kept, the one that is written included. */
  readonly filesMax: number;
  readonly files: FileSystem;
  readonly clock: Clock;
}

/** The last line is looked for in so much of a file's end; no line is nearly as long. */
const tailBytes = 64 * 1024;

/** Writes one audit log. */
export class AuditWriter {
  readonly #options: AuditWriterOptions;
  #file: OpenFile | undefined;
  #bytes = 0;
  /** Number of the first line in the open file. */
  #first = 1;
  #head: ChainHead = emptyHead;
  /** What the next line has to say of the file besides. */
  #remark = '';

  constructor(options: AuditWriterOptions) {
    this.#options = options;
  }

  /** The last line that is durable. */
  get head(): ChainHead {
    return this.#head;
  }

  /** Writes and syncs. Throws the operating system's errors; nothing of the batch counts then. */
  append(events: readonly AuditEvent[]): void {
    this.#requireOwnFile();
    this.#file ??= this.#open();
    if (this.#bytes >= this.#options.fileBytes) this.#rotate();
    const time = new Date(this.#options.clock.wallMs()).toISOString();
    const origin = { node: this.#options.node, time };
    let head = this.#head;
    const texts: string[] = [];
    for (const [at, event] of events.entries()) {
      const marked = at === 0 ? this.#remarked(event) : event;
      const line = nextLine(head, marked, origin);
      ({ head } = line);
      texts.push(line.text);
    }
    const content = Buffer.from(texts.join(''));
    // At its place, not at the end: what a failed write left there is written over.
    this.#file.write([content], this.#bytes);
    this.#file.syncData();
    this.#bytes += content.length;
    this.#head = head;
    this.#remark = '';
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #remarked(event: AuditEvent): AuditEvent {
    if (this.#remark === '') return event;
    const detail = event.detail === undefined ? this.#remark : `${event.detail}; ${this.#remark}`;
    return { ...event, detail };
  }

  /** A file that was removed, replaced or cut while it was open is not written to any longer. */
  #requireOwnFile(): void {
    if (this.#file === undefined) return;
    const { path, files } = this.#options;
    const status = files.status(path);
    const longEnough = (status?.bytes ?? -1) >= this.#bytes;
    if (status?.kind === 'file' && longEnough && this.#file.status().bytes === status.bytes) return;
    this.close();
    this.#remark = status === undefined ? 'the file was removed' : 'the file was changed';
    if (status !== undefined) files.rename(path, `${path}.changed-${this.#head.sequence}`);
  }

  #open(): OpenFile {
    const { path, files } = this.#options;
    const status = files.status(path);
    if (status === undefined) return this.#create();
    const file = files.open(path, 'write');
    const end = lastLineOf(file, status.bytes);
    if (end === undefined) {
      file.close();
      // Not ours to mend: it is kept for whoever looks into it, and said in the next line.
      files.rename(path, `${path}.changed-${this.#head.sequence}`);
      this.#remark = 'the last line of the file was changed';
      this.#head = this.#newestOlder() ?? this.#head;
      return this.#create();
    }
    this.#head = end.head;
    this.#bytes = end.bytes;
    this.#first = firstLineOf(file) ?? end.head.sequence;
    if (end.bytes === status.bytes) return file;
    // Half a line behind the last whole one: the machine stopped while it was written. It stays.
    file.close();
    files.rename(path, olderName(path, this.#first));
    this.#remark = 'the last write before was cut off';
    return this.#create();
  }

  #create(): OpenFile {
    const { path, files } = this.#options;
    if (files.status(dirname(path)) === undefined) files.createFolder(dirname(path));
    if (this.#head.sequence === 0) this.#head = this.#newestOlder() ?? emptyHead;
    const file = files.create(path);
    files.syncFolder(dirname(path));
    this.#bytes = 0;
    this.#first = this.#head.sequence + 1;
    return file;
  }

  #newestOlder(): ChainHead | undefined {
    const { path, files } = this.#options;
    const newest = olderFiles(path, files).at(-1);
    if (newest === undefined) return undefined;
    const file = files.open(newest, 'read');
    try {
      return lastLineOf(file, file.status().bytes)?.head;
    } finally {
      file.close();
    }
  }

  #rotate(): void {
    const { path, files, filesMax } = this.#options;
    this.close();
    files.rename(path, olderName(path, this.#first));
    this.#file = this.#create();
    const older = olderFiles(path, files);
    for (const tooOld of older.slice(0, Math.max(0, older.length - (filesMax - 1)))) {
      files.remove(tooOld);
      this.#remark = `the oldest file is removed`;
    }
  }
}

/** The last whole line, and where it ends; undefined when it is none of ours. */
const lastLineOf = (
  file: OpenFile,
  size: number,
): { readonly head: ChainHead; readonly bytes: number } | undefined => {
  if (size === 0) return { head: emptyHead, bytes: 0 };
  const from = Math.max(0, size - tailBytes);
  const tail = Buffer.alloc(size - from);
  file.read(tail, from);
  const end = tail.lastIndexOf('\n');
  if (end < 0) return from === 0 ? { head: emptyHead, bytes: 0 } : undefined;
  const start = tail.lastIndexOf('\n', end - 1) + 1;
  const read = readLine(tail.subarray(start, end).toString('utf8'));
  return read.kind === 'line' ? { head: read.head, bytes: from + end + 1 } : undefined;
};

const firstLineOf = (file: OpenFile): number | undefined => {
  const start = Buffer.alloc(tailBytes);
  const text = start.subarray(0, file.read(start, 0)).toString('utf8');
  const read = readLine(text.slice(0, Math.max(0, text.indexOf('\n'))));
  return read.kind === 'line' ? read.head.sequence : undefined;
};

/** What the operating system said, for the log. */
export const auditFaultOf = (error: unknown): string =>
  systemErrorCode(error) ?? (error instanceof Error ? error.message : String(error));
