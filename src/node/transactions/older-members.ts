// Members of a version that cannot read an entry of a newer format (the commit of an interactive
// transaction, maintenance): it would stop there. A leader asks each member once before it writes
// the first; one that cannot be reached counts as able, or a node that is down would keep everybody
// from theirs.
import { isNodeName } from '#identity/node-name.ts';
import type { Members } from '#node/members.ts';
import { describeNode } from '#node/peer-calls.ts';
import type { Transport } from '#transport/transport.ts';

/** What it takes to ask. */
export interface OlderMembersContext {
  readonly self: string;
  /** The format that all of them have to read. */
  readonly format: number;
  readonly members: Pick<Members, 'all'>;
  readonly transport: Pick<Transport, 'isUp' | 'call'>;
}

/** How long a member has to say what it reads. */
const askMs = 1000;

/** See the head of this file. */
export class OlderMembers {
  readonly #context: OlderMembersContext;
  /** Nobody goes back to an older version while this node runs, or it meets the same refusal. */
  readonly #able = new Set<string>();

  constructor(context: OlderMembersContext) {
    this.#context = context;
  }

  /** A member in reach that is too old, if there is one. */
  async find(): Promise<string | undefined> {
    const { members, self, transport } = this.#context;
    const asked = members.all
      .map(({ name }) => name)
      .filter((name) => name !== self && !this.#able.has(name))
      .filter((name) => isNodeName(name) && transport.isUp(name));
    const older = await Promise.all(asked.map((name) => this.#isOlder(name)));
    return asked.find((_name, at) => older[at]);
  }

  async #isOlder(name: string): Promise<boolean> {
    const { self, format, transport } = this.#context;
    const { description } = await describeNode({ self, apiUrl: '', transport }, name, askMs);
    if (description === undefined) return false;
    if (description.commandFormat < format) return true;
    this.#able.add(name);
    return false;
  }
}
