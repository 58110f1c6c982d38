// A node whose data is not that of the others: it serves no reads and takes no proposals, votes and
// logs as always, and is given an image at most once an hour. That it is so survives a restart: the
// mark lies with the database (db/quarantine-mark.ts), and goes when an image takes its place.
import { join } from 'node:path';
import { type QuarantineMark, readQuarantine, writeQuarantine } from '#db/quarantine-mark.ts';
import type { FileSystem } from '#io/file-system.ts';
import type { Random } from '#io/random.ts';
import { writeFileAtomically } from '#io/write-file-atomically.ts';
import type { Alarms } from '#node/alarms.ts';
import { askImageEveryMs, reimagePauseMs } from './bounds.ts';
import { JsonFields } from './json-fields.ts';

/** What it works with. */
export interface QuarantineOptions {
  readonly folder: string;
  readonly files: FileSystem;
  readonly random: Random;
  readonly wallMs: () => number;
  readonly alarms: Alarms;
}

const fileName = 'agreement.json';
const fileBytesMax = 4096;
const formatVersion = 1;

/** What a node remembers of agreement, whatever its database; milliseconds since 1970, 0: never. */
interface Remembered {
  /** When it last took an image because it differed. */
  readonly imagedMs: number;
  /** When the last content check ended that it knows of. */
  readonly checkedMs: number;
}

/** See the head of this file. */
export class Quarantine {
  readonly #options: QuarantineOptions;
  #mark: QuarantineMark | undefined;
  #remembered: Remembered;
  #heldIndex: number | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(options: QuarantineOptions) {
    this.#options = options;
    this.#mark = readQuarantine(options.folder, options.files);
    this.#remembered = rememberedIn(options);
    this.#tell();
  }

  /** Why the data here is not served; undefined: it is. */
  get mark(): QuarantineMark | undefined {
    return this.#mark;
  }

  /** When the last content check ended, milliseconds since 1970; 0: never. */
  get checkedMs(): number {
    return this.#remembered.checkedMs;
  }

  /** From now on nothing is read here; a second reason changes nothing. */
  begin(reason: string, index: number): void {
    if (this.#mark !== undefined) return;
    const { folder, wallMs } = this.#options;
    this.#mark = { reason, index, sinceMs: wallMs() };
    writeQuarantine(folder, this.#mark, this.#options);
    this.#tell();
  }

  /** An image takes the place of the database that differs. */
  imageTaken(): void {
    if (this.#mark !== undefined) this.#remember({ imagedMs: this.#options.wallMs() });
  }

  /** Another database is in use. */
  replaced(): void {
    const { folder, files } = this.#options;
    this.#mark = readQuarantine(folder, files);
    this.#heldIndex = undefined;
    this.#tell();
  }

  /** A content check ended. */
  checked(): void {
    this.#remember({ checkedMs: this.#options.wallMs() });
  }

  /** Whether an image may be taken now; a clock that was set back does not forbid it for ever. */
  get mayImage(): boolean {
    if (this.#mark === undefined) return false;
    const sinceMs = this.#options.wallMs() - this.#remembered.imagedMs;
    return sinceMs < 0 || sinceMs >= reimagePauseMs;
  }

  /** Behind this entry the log must stay: an image that was asked for goes on from there. */
  get heldIndex(): number | undefined {
    return this.#heldIndex;
  }

  /** Whether to ask for an image now; true once every few seconds. */
  shouldAsk(nowMs: number, appliedIndex: number): boolean {
    if (!this.mayImage || nowMs - this.#askedMs < askImageEveryMs) return false;
    this.#askedMs = nowMs;
    this.#heldIndex ??= appliedIndex;
    return true;
  }

  #tell(): void {
    const { alarms } = this.#options;
    if (this.#mark === undefined) alarms.clear('quarantined');
    else {
      alarms.raise(
        'quarantined',
        `this node serves no reads: ${this.#mark.reason}; it gets an image of the leader's data, at most once an hour`,
      );
    }
  }

  #remember(news: Partial<Remembered>): void {
    this.#remembered = { ...this.#remembered, ...news };
    const content = Buffer.from(
      `${JSON.stringify({ version: formatVersion, ...this.#remembered })}\n`,
    );
    const path = join(this.#options.folder, fileName);
    writeFileAtomically({ path, content }, this.#options);
  }
}

/** Without the file, or with one that cannot be read: nothing was ever done. */
const rememberedIn = ({ folder, files }: QuarantineOptions): Remembered => {
  const path = join(folder, fileName);
  const nothing = { imagedMs: 0, checkedMs: 0 };
  if (files.status(path) === undefined) return nothing;
  const file = files.open(path, 'read');
  try {
    const bytes = Buffer.alloc(fileBytesMax);
    const content = bytes.subarray(0, file.read(bytes, 0));
    return (
      JsonFields.from(content, (fields) => ({
        imagedMs: fields.count('imagedMs'),
        checkedMs: fields.count('checkedMs'),
      })) ?? nothing
    );
  } finally {
    file.close();
  }
};
