// The auth file on behalf of all fronts: read once for all of them, so that they never hold
// different users; the text of the last good one is kept, so that a front which has to start anew
// does not depend on what an editor left on the disk. Looks at the file's content, not at its
// times: whatever put it there (an editor, a rename, a copy with old times), it is noticed.
import { CodedError } from '#errors.ts';
import type { UsersReply } from '#http/backend.ts';
import type { Logger } from './logger.ts';

/** How often the file is looked at; a change counts when it was the same twice. */
const lookMs = 1000;

/** What the keeper works with. */
export interface AuthFileKeeperOptions {
  readonly path: string;
  /** Reads the file. @throws CodedError when it is not there or others can touch it */
  readonly read: () => string;
  /** Gives the text to all fronts, or to none. */
  readonly apply: (text: string) => Promise<UsersReply>;
  /** Told of every reload; for the audit. */
  readonly onReloaded: (why: string, reply: UsersReply) => void;
  readonly log: Logger;
}

/** Keeps the last good text and looks for a new one. */
export class AuthFileKeeper {
  readonly #options: AuthFileKeeperOptions;
  #text: string;
  /** What was there at the last look, and what was last tried; errors by their message. */
  #seen: string;
  #tried: string;
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @throws what `read` throws */
  constructor(options: AuthFileKeeperOptions) {
    this.#options = options;
    this.#text = options.read();
    this.#seen = this.#text;
    this.#tried = this.#text;
  }

  /** The text that the fronts have. */
  get text(): string {
    return this.#text;
  }

  /** Begins to look at the file. */
  watch(): void {
    this.#timer = setInterval(() => this.#look(), lookMs);
    this.#timer.unref();
  }

  /** Reads the file now. One after the other: the last wish sees the last text. */
  reload(why: string): Promise<UsersReply> {
    const result = this.#last.then(() => this.#reloadNow(why));
    this.#last = result;
    return result;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const before = this.#seen;
    this.#seen = this.#contentNow();
    // A file that is just being written looks different at the next look.
    if (this.#seen === before && this.#seen !== this.#tried) void this.reload('the file changed');
  }

  #contentNow(): string {
    try {
      return this.#options.read();
    } catch (error) {
      return messageOf(error);
    }
  }

  async #reloadNow(why: string): Promise<UsersReply> {
    const { path, log } = this.#options;
    const result = await this.#apply();
    if (result.kind === 'reloaded') {
      const { added, removed, changed, revoked } = result.reload;
      const { cutOff } = result;
      log.info({ why, added, removed, changed, revoked, cutOff }, 'the auth file was reloaded');
    } else {
      const { message } = result;
      log.error(
        { why, path, message },
        'THE AUTH FILE IS REFUSED: the users of the last good one stay in force',
      );
    }
    this.#options.onReloaded(why, result);
    return result;
  }

  async #apply(): Promise<UsersReply> {
    let text: string;
    try {
      text = this.#options.read();
    } catch (error) {
      this.#tried = messageOf(error);
      return keptFor(error);
    }
    this.#tried = text;
    try {
      const result = await this.#options.apply(text);
      if (result.kind === 'reloaded') this.#text = text;
      return result;
    } catch (error) {
      return keptFor(error);
    }
  }
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** For whatever kept a text from being taken. */
export const keptFor = (error: unknown): Extract<UsersReply, { kind: 'kept' }> => ({
  kind: 'kept',
  code: error instanceof CodedError ? error.code : 'internal',
  message: messageOf(error),
});
