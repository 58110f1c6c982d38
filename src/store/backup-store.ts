// A place for backups: names and bytes, nothing of what they mean. Two kinds: a folder, and
// whatever speaks S3. An object is there whole or not at all.

/** A local file that is sent: read in parts, some of them more than once. */
export interface SentFile {
  readonly bytes: number;
  /** Fills `into` from `position` on; gives how many bytes there were. */
  read(into: Uint8Array, position: number): number;
}

/** What lies in a store. */
export interface StoredObject {
  readonly name: string;
  readonly bytes: number;
}

/** See the head of this file. Every method throws CodedError `store_failed` with what to do. */
export interface BackupStore {
  /** For people and logs; holds no secret. */
  readonly description: string;
  /** All names, in no order. Things that are no file of a backup may be among them. */
  list(): Promise<readonly StoredObject[]>;
  /** Puts a file under a name, in place of what is there. `onSent`: so many bytes are there now. */
  put(name: string, file: SentFile, onSent?: (bytes: number) => void): Promise<void>;
  /** The bytes of an object, in order; an error for one that ends early. */
  get(name: string): AsyncIterable<Buffer>;
  /** Removes an object; nothing there is fine. */
  remove(name: string): Promise<void>;
  close(): void;
}
