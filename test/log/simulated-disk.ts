// A disk that forgets: what was written and not synced survives a power cut in part, sector by
// sector, as a random source decides; names survive up to a random one of the changes since the
// folder's last sync. It can also fill up and lie like a kernel after a failed sync.
import { dirname } from 'node:path';
import type { FileStatus, FileSystem, FileSystemSpace, OpenFile } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';

const sectorBytes = 512;

/** The power went out in the middle of an operation. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

const systemError = (code: string): Error => Object.assign(new Error(code), { code });

interface Content {
  current: Buffer;
  durable: Buffer;
  readonly dirty: Set<number>;
}

type Names = Map<string, Content>;

const grown = (bytes: Buffer, length: number): Buffer =>
  length <= bytes.length ? bytes : Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]);

/** One disk; `crash` and `cutPower` give the disk that the next start finds. */
export class SimulatedDisk implements FileSystem {
  readonly #names: Names = new Map();
  readonly #durableNames: Names = new Map();
  #nameChanges: ((names: Names) => void)[] = [];
  readonly #folders = new Set<string>();
  /** Operations that change the disk until the power goes; undefined: never. */
  operationsLeft: number | undefined;
  /** Writes fail with ENOSPC after this many bytes. */
  roomBytes = Number.POSITIVE_INFINITY;
  /** The next sync fails with EIO and, like Linux, forgets what it did not write. */
  failNextSync = false;
  operations = 0;
  dataSyncs = 0;
  writes = 0;
  bytesRead = 0;

  /** What a start finds after the process died and the machine did not. */
  crash(): SimulatedDisk {
    const next = this.#successor();
    for (const [path, content] of this.#names) next.#names.set(path, content);
    for (const [path, content] of this.#durableNames) next.#durableNames.set(path, content);
    next.#nameChanges = [...this.#nameChanges];
    return next;
  }

  /** What a start finds after the power went. */
  cutPower(random: Random): SimulatedDisk {
    const next = this.#successor();
    const names = new Map(this.#durableNames);
    const kept = random.below(this.#nameChanges.length + 1);
    for (const change of this.#nameChanges.slice(0, kept)) change(names);
    for (const [path, content] of names) {
      const bytes = survivorOf(content, random);
      const fresh = { current: bytes, durable: Buffer.from(bytes), dirty: new Set<number>() };
      next.#names.set(path, fresh);
      next.#durableNames.set(path, fresh);
    }
    return next;
  }

  /** Another disk with what is durable here, as a backup of the machine would have it. */
  copy(): SimulatedDisk {
    const next = this.#successor();
    for (const [path, { durable }] of this.#durableNames) next.replace(path, durable);
    return next;
  }

  /** The bytes of a file, to look at or to damage; changes are durable. */
  bytesOf(path: string): Buffer {
    const content = this.#content(path);
    content.durable = content.current;
    return content.current;
  }

  /** Replaces a file durably. */
  replace(path: string, bytes: Uint8Array): void {
    const current = Buffer.from(bytes);
    const content = { current, durable: Buffer.from(current), dirty: new Set<number>() };
    this.#names.set(path, content);
    this.#durableNames.set(path, content);
  }

  open(path: string, access: 'read' | 'write'): OpenFile {
    return this.#openFile(this.#content(path), access === 'write');
  }

  create(path: string): OpenFile {
    if (this.#names.has(path)) throw systemError('EEXIST');
    this.#operation();
    const content = {
      current: Buffer.alloc(0),
      durable: Buffer.alloc(0),
      dirty: new Set<number>(),
    };
    this.#changeNames((names) => names.set(path, content));
    return this.#openFile(content, true);
  }

  createFolder(path: string): void {
    this.#folders.add(path);
  }

  status(path: string): FileStatus | undefined {
    const owner = process.geteuid?.() ?? 0;
    if (this.#folders.has(path)) return { kind: 'folder', bytes: 0, mode: 0o700, owner };
    const content = this.#names.get(path);
    if (content === undefined) return undefined;
    return { kind: 'file', bytes: content.current.length, mode: 0o600, owner };
  }

  list(folder: string): readonly string[] {
    return [...this.#names.keys()]
      .filter((path) => dirname(path) === folder)
      .map((path) => path.slice(folder.length + 1))
      .sort();
  }

  rename(from: string, to: string): void {
    const content = this.#content(from);
    this.#operation();
    this.#changeNames((names) => {
      names.delete(from);
      names.set(to, content);
    });
  }

  link(from: string, to: string): void {
    const content = this.#content(from);
    if (this.#names.has(to)) throw systemError('EEXIST');
    this.#operation();
    this.#changeNames((names) => names.set(to, content));
  }

  remove(path: string): void {
    this.#content(path);
    this.#operation();
    this.#changeNames((names) => names.delete(path));
  }

  removeFolder(path: string): void {
    this.#operation();
    this.#folders.delete(path);
  }

  syncFolder(): void {
    this.#operation();
    for (const change of this.#nameChanges) change(this.#durableNames);
    this.#nameChanges = [];
  }

  space(): FileSystemSpace {
    return { freeBytes: this.roomBytes, totalBytes: Number.POSITIVE_INFINITY };
  }

  #successor(): SimulatedDisk {
    const next = new SimulatedDisk();
    for (const folder of this.#folders) next.#folders.add(folder);
    return next;
  }

  #content(path: string): Content {
    const content = this.#names.get(path);
    if (content === undefined) throw systemError('ENOENT');
    return content;
  }

  #changeNames(change: (names: Names) => void): void {
    change(this.#names);
    this.#nameChanges.push(change);
  }

  /** The power goes before the operation that comes when none is left. */
  #operation(): void {
    this.operations += 1;
    if (this.operationsLeft === undefined) return;
    if (this.operationsLeft === 0) throw new PowerCut();
    this.operationsLeft -= 1;
  }

  #openFile(content: Content, writable: boolean): OpenFile {
    const write = (bytes: Buffer, position: number): void => {
      if (!writable) throw systemError('EBADF');
      this.#operation();
      this.writes += 1;
      this.#write(content, bytes, position);
    };
    return {
      status: () => ({
        kind: 'file',
        bytes: content.current.length,
        mode: 0o600,
        owner: process.geteuid?.() ?? 0,
      }),
      read: (into, position) => {
        const piece = content.current.subarray(position, position + into.length);
        into.set(piece);
        this.bytesRead += piece.length;
        return piece.length;
      },
      write: (parts, position) => write(Buffer.concat(parts), position),
      writeZeros: (bytes, position) => write(Buffer.alloc(bytes), position),
      syncData: () => {
        this.#operation();
        this.dataSyncs += 1;
        if (this.failNextSync) {
          this.failNextSync = false;
          content.dirty.clear();
          throw systemError('EIO');
        }
        settle(content);
      },
      close: () => undefined,
    };
  }

  #write(content: Content, bytes: Buffer, position: number): void {
    const written = bytes.subarray(0, Math.min(bytes.length, this.roomBytes));
    this.roomBytes -= written.length;
    // After `bytesOf` they are one.
    if (content.current === content.durable) content.current = Buffer.from(content.current);
    content.current = grown(content.current, position + written.length);
    written.copy(content.current, position);
    const last = Math.ceil((position + written.length) / sectorBytes);
    for (let sector = Math.floor(position / sectorBytes); sector < last; sector++) {
      content.dirty.add(sector);
    }
    if (written.length < bytes.length) throw systemError('ENOSPC');
  }
}

/** Dirty sectors reach the disk. */
const settle = (content: Content): void => {
  content.durable = grown(content.durable, content.current.length);
  for (const sector of content.dirty) copySector(content.current, content.durable, sector);
  content.dirty.clear();
};

const survivorOf = (content: Content, random: Random): Buffer => {
  const isLarger = content.current.length > content.durable.length && random.below(2) === 1;
  const length = isLarger ? content.current.length : content.durable.length;
  const bytes = Buffer.from(grown(content.durable, length));
  // Sometimes nothing or everything survives; mostly some of it.
  const keepsAll = random.below(4) === 0;
  for (const sector of content.dirty) {
    if (keepsAll || random.below(2) === 1) copySector(content.current, bytes, sector);
  }
  return bytes;
};

const copySector = (from: Buffer, to: Buffer, sector: number): void => {
  const end = Math.min((sector + 1) * sectorBytes, to.length);
  from.copy(to, sector * sectorBytes, sector * sectorBytes, end);
};
