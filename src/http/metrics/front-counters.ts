// What a front counts of its requests. Labels are of closed sets (paths of routes, statuses,
// codes), so that no client can make the list long.
import type { Exchange } from '#http/exchange.ts';
import type { Sample } from './exposition.ts';

/** Counts requests. */
export class FrontCounters {
  readonly #answers = new Map<string, number>();
  readonly #refusals = new Map<string, number>();
  #inFlight = 0;

  /** A request has arrived. */
  arrived(): void {
    this.#inFlight += 1;
  }

  /** Its answer is on its way. */
  answered({ route, status, refusalCode }: Exchange): void {
    this.#inFlight -= 1;
    count(this.#answers, `${route?.path ?? 'none'} ${status}`);
    if (refusalCode !== undefined) count(this.#refusals, refusalCode);
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
    return [
      ...answers,
      ...refusals,
      { name: 'stockade_http_requests_in_flight', labels: {}, value: this.#inFlight },
    ];
  }
}

const count = (counts: Map<string, number>, key: string): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};
