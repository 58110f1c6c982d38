// Backups in a bucket of whatever speaks S3: one PUT for what is small, an upload in parts for the
// rest. A part is all that is in memory; an upload that fails is aborted, so that nobody pays for
// its parts.

import { CodedError } from '#errors.ts';
import type { BackupStore, SentFile, StoredObject } from './backup-store.ts';
import { listPagesMax, partBytesMax, partBytesMin, partsMax } from './bounds.ts';
import { elementText, listPageFrom } from './s3-answers.ts';
import type { Credentials } from './signature.ts';
import { type Question, SignedClient, type StoreEffects } from './signed-client.ts';

/** A bucket and how it is reached. */
export interface S3Place {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Before every name; empty, or ends in a slash. */
  readonly prefix: string;
  /** `https://host/bucket/name` in place of `https://bucket.host/name`. */
  readonly pathStyle: boolean;
  /** PEM; undefined: the authorities of the system. */
  readonly ca: string | undefined;
  readonly credentials: Credentials;
}

const nothing = new Uint8Array(0);

/** How large the parts of a file are: it fits into as many as S3 takes. */
export const partBytesOf = (bytes: number): number =>
  Math.min(partBytesMax, Math.max(partBytesMin, Math.ceil(bytes / partsMax)));

const broken = (what: string): CodedError =>
  new CodedError('store_failed', `the store answers without ${what}`, {
    hint: 'It does not speak S3 as this program knows it.',
  });

/** A part of the file, as bytes of its own. */
const readPart = (file: SentFile, at: number, bytes: number): Buffer => {
  const part = Buffer.alloc(Math.min(bytes, file.bytes - at));
  if (file.read(part, at) === part.length) return part;
  throw new CodedError('storage_failed', 'the backup on this machine ends early', {
    hint: 'Check the disk.',
  });
};

class S3Store implements BackupStore {
  readonly description: string;
  readonly #client: SignedClient;
  readonly #root: string;
  readonly #prefix: string;
  readonly #abortClient: SignedClient;

  constructor(place: S3Place, effects: StoreEffects) {
    const { bucket, prefix, pathStyle, region, ca, credentials } = place;
    const endpoint = new URL(place.endpoint);
    this.description = `s3://${bucket}/${prefix} at ${endpoint.host}`;
    const options = {
      endpoint,
      host: pathStyle ? endpoint.host : `${bucket}.${endpoint.host}`,
      ...{ region, ca, credentials },
    };
    this.#client = new SignedClient({ ...options, effects });
    // An upload is aborted also when all other work is to end.
    const { signal } = new AbortController();
    this.#abortClient = new SignedClient({ ...options, effects: { ...effects, signal } });
    this.#root = pathStyle ? `/${bucket}` : '';
    this.#prefix = prefix;
  }

  async list(): Promise<readonly StoredObject[]> {
    const objects: StoredObject[] = [];
    let token: string | undefined;
    for (let page = 0; page < listPagesMax; page++) {
      const { text } = await this.#client.ask({
        method: 'GET',
        path: `${this.#root}/`,
        query: [
          ['list-type', '2'],
          ['prefix', this.#prefix],
          ...(token === undefined ? [] : ([['continuation-token', token]] as const)),
        ],
        payload: nothing,
      });
      const { objects: some, next } = listPageFrom(text);
      for (const { name, bytes } of some) {
        if (name.startsWith(this.#prefix)) {
          objects.push({ name: name.slice(this.#prefix.length), bytes });
        }
      }
      if (next === undefined) return objects;
      token = next;
    }
    throw new CodedError('store_failed', `there are too many objects under ${this.description}`, {
      hint: 'Give the backups a prefix of their own.',
    });
  }

  async put(
    name: string,
    file: SentFile,
    onSent: (bytes: number) => void = () => undefined,
  ): Promise<void> {
    if (file.bytes > partBytesMin) {
      await this.#putInParts(name, file, onSent);
      return;
    }
    await this.#client.ask(this.#question('PUT', name, [], readPart(file, 0, file.bytes)));
    onSent(file.bytes);
  }

  get(name: string): AsyncIterable<Buffer> {
    return this.#client.open(this.#question('GET', name));
  }

  async remove(name: string): Promise<void> {
    await this.#client.ask(this.#question('DELETE', name));
  }

  close(): void {
    this.#client.close();
    this.#abortClient.close();
  }

  #question(
    method: string,
    name: string,
    query: Question['query'] = [],
    payload: Uint8Array = nothing,
  ): Question {
    return { method, path: `${this.#root}/${this.#prefix}${name}`, query, payload };
  }

  async #putInParts(name: string, file: SentFile, onSent: (bytes: number) => void): Promise<void> {
    const begun = await this.#client.ask(this.#question('POST', name, [['uploads', '']]));
    const upload = elementText(begun.text, 'UploadId');
    if (upload === undefined) throw broken('the id of an upload');
    try {
      const tags = await this.#sendParts(name, file, upload, onSent);
      const parts = tags.map(
        (tag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${tag}</ETag></Part>`,
      );
      const list = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`;
      const query = [['uploadId', upload]] as const;
      await this.#client.ask(this.#question('POST', name, query, Buffer.from(list)));
    } catch (error) {
      const abort = this.#question('DELETE', name, [['uploadId', upload]]);
      await this.#abortClient.ask(abort).catch(() => undefined);
      throw error;
    }
  }

  async #sendParts(
    name: string,
    file: SentFile,
    upload: string,
    onSent: (bytes: number) => void,
  ): Promise<readonly string[]> {
    const tags: string[] = [];
    const partBytes = partBytesOf(file.bytes);
    for (let at = 0; at < file.bytes; at += partBytes) {
      const part = readPart(file, at, partBytes);
      const query = [
        ['partNumber', String(tags.length + 1)],
        ['uploadId', upload],
      ] as const;
      const { headers } = await this.#client.ask(this.#question('PUT', name, query, part));
      const tag = headers.etag;
      if (tag === undefined || /[<>&]/.test(tag)) throw broken('the tag of a part');
      tags.push(tag);
      onSent(at + part.length);
    }
    return tags;
  }
}

/** Opens it; nothing is asked yet. */
export const openS3Store = (place: S3Place, effects: StoreEffects): BackupStore =>
  new S3Store(place, effects);
