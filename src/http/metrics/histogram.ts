// A histogram as Prometheus knows it: how often something took up to so long. One is made once and
// counts in place; nothing is made for what it counts.
import type { Sample } from './exposition.ts';

/** Upper bounds of what takes milliseconds on a good day and seconds on a bad one, in seconds. */
export const durationBounds: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Counts values by size. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** One more than bounds: what is larger than all of them. */
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds ascending */
  constructor(bounds: readonly number[] = durationBounds) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** Counts a value; one that is below zero (a clock that was set) as zero. */
  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += Math.max(0, value);
  }

  /** The numbers now: each bucket holds what the ones before it hold, too. */
  samples(name: string, labels: Readonly<Record<string, string>> = {}): readonly Sample[] {
    let count = 0;
    const buckets = this.#counts.map((more, at) => {
      count += more;
      const le = at < this.#bounds.length ? String(this.#bounds[at]) : '+Inf';
      return { name: `${name}_bucket`, labels: { ...labels, le }, value: count };
    });
    return [
      ...buckets,
      { name: `${name}_sum`, labels, value: this.#sum },
      { name: `${name}_count`, labels, value: count },
    ];
  }
}
