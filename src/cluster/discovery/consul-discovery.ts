// Places from Consul's keys: each node keeps its address there under a session, which deletes the
// key when the node says no longer that it lives. A session that is lost is made anew.
import { type Discovery, placeOf, placesMax } from './discovery.ts';
import { askStore, type StoreAccess, type StoreRequest } from './json-request.ts';
import {
  foundingKey,
  fromBase64,
  nodeKey,
  nodesPrefix,
  type Registration,
  registrationTtlSeconds,
  valueAt,
} from './registration.ts';

/** Which Consul, and who asks. */
export interface ConsulSettings extends Registration {
  readonly access: StoreAccess;
  /** ACL token; empty: none is sent. */
  readonly token: string;
  /** Empty: the agent's own. */
  readonly datacenter: string;
}

/** Nothing is asked before `places` is. */
export const consulDiscovery = (settings: ConsulSettings): Discovery =>
  new ConsulDiscovery(settings);

class ConsulDiscovery implements Discovery {
  readonly #settings: ConsulSettings;
  #session = '';

  constructor(settings: ConsulSettings) {
    this.#settings = settings;
  }

  async places(): ReturnType<Discovery['places']> {
    await this.#register();
    const { status, text } = await this.#send(
      'GET',
      `/v1/kv/${pathOf(nodesPrefix(this.#settings))}`,
      { recurse: 'true', consistent: '' },
    );
    if (status === 404) return [];
    const values: unknown = JSON.parse(text);
    if (!Array.isArray(values)) throw new Error('Consul gives no list of keys');
    return Promise.all(
      values.slice(0, placesMax).map((kv) => placeOf(fromBase64(valueAt(kv, 'Value')))),
    );
  }

  async claim(founding: string): Promise<string> {
    const path = `/v1/kv/${pathOf(foundingKey(this.#settings))}`;
    // Index 0: only if the key is not there.
    const put = await this.#send('PUT', path, { cas: '0' }, founding);
    if (put.text.trim() === 'true') return founding;
    const { text } = await this.#send('GET', path, { consistent: '' });
    return fromBase64(valueAt(JSON.parse(text), 0, 'Value'));
  }

  async close(): Promise<void> {
    if (this.#session !== '') await this.#send('PUT', `/v1/session/destroy/${this.#session}`, {});
  }

  async #register(): Promise<void> {
    if (this.#session !== '') {
      const renewed = await this.#send('PUT', `/v1/session/renew/${this.#session}`, {});
      if (renewed.status === 200) return;
      this.#session = '';
    }
    const { name, address } = this.#settings;
    const created = await this.#send(
      'PUT',
      '/v1/session/create',
      {},
      JSON.stringify({
        Name: `stockade ${name}`,
        TTL: `${registrationTtlSeconds}s`,
        Behavior: 'delete',
        LockDelay: '0s',
      }),
    );
    const session = valueAt(JSON.parse(created.text), 'ID');
    if (typeof session !== 'string') throw new Error('Consul makes no session');
    const path = `/v1/kv/${pathOf(nodeKey(this.#settings))}`;
    const held = await this.#send('PUT', path, { acquire: session }, address);
    // Somebody holds the name: this node's former session, until its time is over, or another node.
    if (held.text.trim() !== 'true') {
      await this.#send('PUT', `/v1/session/destroy/${session}`, {});
      return;
    }
    this.#session = session;
  }

  async #send(
    method: StoreRequest['method'],
    path: string,
    query: Readonly<Record<string, string>>,
    body?: string,
  ): ReturnType<typeof askStore> {
    const { access, token, datacenter } = this.#settings;
    const parameters = new URLSearchParams(
      datacenter === '' ? query : { ...query, dc: datacenter },
    );
    const answer = await askStore(access, {
      method,
      path: parameters.size === 0 ? path : `${path}?${parameters.toString()}`,
      headers: token === '' ? {} : { 'x-consul-token': token },
      ...(body === undefined ? {} : { body }),
    });
    const gone = answer.status === 404;
    if (answer.status === 200 || gone) return answer;
    throw new Error(`Consul refuses ${path}: ${answer.status} ${answer.text.slice(0, 200)}`);
  }
}

const pathOf = (key: string): string => key.split('/').map(encodeURIComponent).join('/');
