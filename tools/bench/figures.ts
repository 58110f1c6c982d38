// From slices to the figures that are printed: throughput, latencies, CPU time a request, and the
// ratios between servers that ran in turn.
import type { MeasuredSlice } from './run-slice.ts';

/** The figures of one server under one workload. */
export interface Figures {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** CPU microseconds of the servers a request, over all slices; undefined when not measured. */
  readonly cpuMicroseconds: number | undefined;
  /** The same in the quietest quarter of the slices: what it costs beside quiet neighbours. */
  readonly quietCpuMicroseconds: number | undefined;
  readonly requests: number;
  readonly failures: number;
  readonly failure: string | undefined;
}

/** The value below which a share of the sorted values lies (nearest rank); NaN without values. */
export const percentile = (sorted: ArrayLike<number>, share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

/** The figures of slices that ran one after the other. */
export const figuresOf = (slices: readonly MeasuredSlice[]): Figures => {
  const latencies = new Float64Array(sum(slices.map((slice) => slice.latencies.length)));
  let at = 0;
  for (const slice of slices) {
    latencies.set(slice.latencies, at);
    at += slice.latencies.length;
  }
  latencies.sort();
  const requests = sum(slices.map((slice) => slice.requests));
  // A request that failed costs CPU time too, so it counts where cost is divided.
  const costs = slices
    .filter((slice) => slice.requests + slice.failures > 0)
    .flatMap((slice) =>
      slice.cpuMicroseconds === undefined
        ? []
        : [{ cpu: slice.cpuMicroseconds, count: slice.requests + slice.failures }],
    );
  const each = Float64Array.from(costs.map(({ cpu, count }) => cpu / count)).sort();
  return {
    requestsPerSecond: requests / sum(slices.map((slice) => slice.seconds)),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    p999Ms: percentile(latencies, 0.999),
    cpuMicroseconds:
      costs.length === 0
        ? undefined
        : sum(costs.map(({ cpu }) => cpu)) / sum(costs.map(({ count }) => count)),
    quietCpuMicroseconds: costs.length === 0 ? undefined : percentile(each, 0.25),
    requests,
    failures: sum(slices.map((slice) => slice.failures)),
    failure: slices.find((slice) => slice.failure !== undefined)?.failure,
  };
};

const columns = [
  'workload',
  'server',
  'req/s',
  'p50 ms',
  'p99 ms',
  'p99.9 ms',
  'CPU µs',
  'quiet µs',
];

/** The head of the table that {@link rowOf} and {@link ratioRowOf} fill. */
export const headRow = (): string => row(columns);

const widths = [22, 20, 10, 9, 9, 9, 9, 9];

const row = (cells: readonly string[]): string =>
  cells
    .map((cell, column) => {
      const width = widths[column] ?? 0;
      return column < 2 ? cell.padEnd(width) : cell.padStart(width);
    })
    .join(' ')
    .trimEnd();

const fixed = (value: number | undefined, digits: number): string =>
  value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits);

/** One server's figures as a row. */
export const rowOf = (workload: string, server: string, figures: Figures): string => {
  const note = figures.failures === 0 ? '' : `  ${figures.failures} failed: ${figures.failure}`;
  return (
    row([
      workload,
      server,
      fixed(figures.requestsPerSecond, 0),
      fixed(figures.p50Ms, 2),
      fixed(figures.p99Ms, 2),
      fixed(figures.p999Ms, 2),
      fixed(figures.cpuMicroseconds, 0),
      fixed(figures.quietCpuMicroseconds, 0),
    ]) + note
  );
};

const times = (one: number | undefined, other: number | undefined): string =>
  one === undefined || other === undefined || Number.isNaN(one / other)
    ? '-'
    : `${(one / other).toFixed(2)}x`;

/** How the first server stands to another, column by column: above 1 is more of it. */
export const ratioRowOf = (name: string, one: Figures, other: Figures): string =>
  row([
    '',
    name,
    times(one.requestsPerSecond, other.requestsPerSecond),
    times(one.p50Ms, other.p50Ms),
    times(one.p99Ms, other.p99Ms),
    times(one.p999Ms, other.p999Ms),
    times(one.cpuMicroseconds, other.cpuMicroseconds),
    times(one.quietCpuMicroseconds, other.quietCpuMicroseconds),
  ]);
