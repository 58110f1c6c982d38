// Places from etcd (3.4 or newer), by its JSON gateway: each node keeps its address there under a
// lease. A lease that is lost is taken anew.
import { type Discovery, placeOf, placesMax } from './discovery.ts';
import { askStore, type StoreAccess } from './json-request.ts';
import {
  foundingKey,
  fromBase64,
  listAt,
  nodeKey,
  nodesPrefix,
  type Registration,
  registrationTtlSeconds,
  toBase64,
  valueAt,
} from './registration.ts';

/** Which etcd, and who asks. */
export interface EtcdSettings extends Registration {
  readonly access: StoreAccess;
  readonly user: string;
  /** Empty: etcd asks for none. */
  readonly password: string;
}

/** The key behind all keys with a prefix. */
const rangeEndOf = (prefix: string): string =>
  `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;

/** Nothing is asked before `places` is. */
export const etcdDiscovery = (settings: EtcdSettings): Discovery => new EtcdDiscovery(settings);

class EtcdDiscovery implements Discovery {
  readonly #settings: EtcdSettings;
  #token = '';
  #lease = '';

  constructor(settings: EtcdSettings) {
    this.#settings = settings;
  }

  async places(): ReturnType<Discovery['places']> {
    await this.#register();
    const prefix = nodesPrefix(this.#settings);
    const range = await this.#ask('/v3/kv/range', {
      key: toBase64(prefix),
      range_end: toBase64(rangeEndOf(prefix)),
      limit: placesMax,
    });
    return Promise.all(listAt(range, 'kvs').map((kv) => placeOf(fromBase64(valueAt(kv, 'value')))));
  }

  async claim(founding: string): Promise<string> {
    const key = toBase64(foundingKey(this.#settings));
    // The first revision of a key that is not there is 0: only then it is written.
    const done = await this.#ask('/v3/kv/txn', {
      compare: [{ key, target: 'CREATE', result: 'EQUAL', create_revision: '0' }],
      success: [{ request_put: { key, value: toBase64(founding) } }],
      failure: [{ request_range: { key } }],
    });
    if (valueAt(done, 'succeeded') === true) return founding;
    return fromBase64(valueAt(done, 'responses', 0, 'response_range', 'kvs', 0, 'value'));
  }

  async close(): Promise<void> {
    if (this.#lease !== '') await this.#ask('/v3/lease/revoke', { ID: this.#lease });
  }

  async #register(): Promise<void> {
    if (this.#lease !== '') {
      const alive = await this.#ask('/v3/lease/keepalive', { ID: this.#lease });
      if (Number(valueAt(alive, 'result', 'TTL') ?? 0) > 0) return;
    }
    const granted = await this.#ask('/v3/lease/grant', { TTL: registrationTtlSeconds });
    const lease = valueAt(granted, 'ID');
    if (typeof lease !== 'string') throw new Error('etcd grants no lease');
    const { address } = this.#settings;
    const key = toBase64(nodeKey(this.#settings));
    await this.#ask('/v3/kv/put', { key, value: toBase64(address), lease });
    this.#lease = lease;
  }

  /** Asks with the token of the user, and once more with a new one when it is not good any more. */
  async #ask(path: string, body: Record<string, unknown>): Promise<unknown> {
    if (this.#settings.user !== '' && this.#token === '') await this.#authenticate();
    const answer = await this.#send(path, body);
    if (answer.status === 200) return JSON.parse(answer.text);
    const expired = answer.status === 401 || /invalid auth token/.test(answer.text);
    if (!expired || this.#settings.user === '') throw refusedBy(path, answer);
    await this.#authenticate();
    const again = await this.#send(path, body);
    if (again.status !== 200) throw refusedBy(path, again);
    return JSON.parse(again.text);
  }

  async #authenticate(): Promise<void> {
    const { user, password } = this.#settings;
    this.#token = '';
    const answer = await this.#send('/v3/auth/authenticate', { name: user, password });
    const token = answer.status === 200 ? valueAt(JSON.parse(answer.text), 'token') : undefined;
    if (typeof token !== 'string') throw new Error(`etcd does not know the user ${user} so`);
    this.#token = token;
  }

  #send(path: string, body: Record<string, unknown>): ReturnType<typeof askStore> {
    const headers = this.#token === '' ? {} : { authorization: this.#token };
    const { access } = this.#settings;
    return askStore(access, { method: 'POST', path, headers, body: JSON.stringify(body) });
  }
}

/** What the store says may name keys, never values or passwords. */
const refusedBy = (path: string, { status, text }: { status: number; text: string }): Error =>
  new Error(`etcd refuses ${path}: ${status} ${text.slice(0, 200)}`);
