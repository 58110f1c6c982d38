// Reads JSON that a peer sent, strictly: what is not as it should be is no answer at all.

/** Why something was not read; caught where the reading began. */
class Unreadable extends Error {}

/** The fields of one object. */
export class JsonFields {
  readonly #fields: Readonly<Record<string, unknown>>;

  private constructor(value: unknown) {
    if (typeof value !== 'object' || value === null) throw new Unreadable();
    this.#fields = { ...value };
  }

  /**
   * What `read` makes of the object in a payload; undefined when anything in it is not in order.
   */
  static from<Value>(payload: Buffer, read: (fields: JsonFields) => Value): Value | undefined {
    try {
      return read(new JsonFields(JSON.parse(payload.toString('utf8'))));
    } catch (error) {
      if (error instanceof Unreadable || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** A text of at most so many characters. */
  text(key: string, lengthMax: number): string {
    const value = this.#fields[key];
    if (typeof value !== 'string' || value.length > lengthMax) throw new Unreadable();
    return value;
  }

  /** A number that counts something. */
  count(key: string): number {
    const value = this.#fields[key];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw new Unreadable();
    }
    return value;
  }

  /** Exactly true counts. */
  flag(key: string): boolean {
    return this.#fields[key] === true;
  }

  /** An object under a key; undefined when there is none. */
  object<Value>(key: string, read: (fields: JsonFields) => Value): Value | undefined {
    const value = this.#fields[key];
    return value === undefined ? undefined : read(new JsonFields(value));
  }

  /** A list of at most so many objects. */
  list<Value>(key: string, lengthMax: number, read: (fields: JsonFields) => Value): Value[] {
    const value = this.#fields[key];
    if (!Array.isArray(value) || value.length > lengthMax) throw new Unreadable();
    return value.map((item: unknown) => read(new JsonFields(item)));
  }
}
