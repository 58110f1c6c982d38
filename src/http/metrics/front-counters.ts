// What a front counts of its requests. Labels are of closed sets (paths of routes, statuses,
// codes), so that no client can make the list long.
import type { Exchange } from '#http/exchange.ts';
import type { Sample } from './exposition.ts';
import { Histogram } from './histogram.ts';

/** Why a connection was refused: broken TLS, a certificate that proves nothing, or too many. */
export type RefusedFor = 'handshake' | 'certificate' | 'limit';

/** Counts requests. */
export class FrontCounters {
  readonly #answers = new Map<string, number>();
  readonly #refusals = new Map<string, number>();
  /** By route. */
  readonly #durations = new Map<string, Histogram>();
  readonly #refusedConnections = new Map<RefusedFor, number>();
  readonly #nowMs: () => number;
  #inFlight = 0;

  /** @param nowMs the clock of `Exchange.startedMs` */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A request has arrived. */
  arrived(): void {
    this.#inFlight += 1;
  }

  /** Its answer is on its way. */
  answered({ route, status, refusalCode, startedMs }: Exchange): void {
    this.#inFlight -= 1;
    const path = route?.path ?? 'none';
    count(this.#answers, `${path} ${status}`);
    this.#durationsOf(path).observe((this.#nowMs() - startedMs) / 1000);
    if (refusalCode !== undefined) count(this.#refusals, refusalCode);
  }

  /** A connection, or a request on one, was refused for what it is. */
  refused(reason: RefusedFor): void {
    count(this.#refusedConnections, reason);
  }

  /** The numbers now. */
  samples(): readonly Sample[] {
    const answers = [...this.#answers].map(([key, value]) => {
      const [route = '', status = ''] = key.split(' ');
      return { name: 'stockade_http_requests_total', labels: { route, status }, value };
    });
    const refusals = [...this.#refusals].map(([code, value]) => ({
      name: 'stockade_http_refusals_total',
      labels: { code },
      value,
    }));
    const refusedConnections = [...this.#refusedConnections].map(([reason, value]) => ({
      name: 'stockade_connections_refused_total',
      labels: { port: 'api', reason },
      value,
    }));
    const durations = [...this.#durations].flatMap(([route, histogram]) =>
      histogram.samples('stockade_http_request_duration_seconds', { route }),
    );
    return [
      ...answers,
      ...refusals,
      ...refusedConnections,
      ...durations,
      { name: 'stockade_http_requests_in_flight', labels: {}, value: this.#inFlight },
    ];
  }

  #durationsOf(path: string): Histogram {
    const known = this.#durations.get(path);
    if (known !== undefined) return known;
    const made = new Histogram();
    this.#durations.set(path, made);
    return made;
  }
}

const count = <Key>(counts: Map<Key, number>, key: Key): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};
