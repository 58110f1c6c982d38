// Prometheus' text format, version 0.0.4: families with help and type, samples with labels.

/** One number. Names are in base units (seconds, bytes); a counter's ends in `_total`. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a name means. */
export interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
}

/** Media type of the format. */
export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

const escapedHelp = (help: string): string => help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

const escapedValue = (value: string): string => escapedHelp(value).replaceAll('"', '\\"');

const labelsOf = ({ labels }: Sample): string => {
  const pairs = Object.entries(labels)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key}="${escapedValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

const lineOf = (sample: Sample): string => `${sample.name}${labelsOf(sample)} ${sample.value}\n`;

/** Names under which a family's samples stand. */
const namesOf = (name: string, { type }: Family): readonly string[] =>
  type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];

/**
 * The text; every family is named even without samples, samples of no family are left out. Samples
 * of a histogram stay in their order, which is that of their bounds; others are sorted.
 */
export const exposition = (
  families: Readonly<Record<string, Family>>,
  samples: readonly Sample[],
): string => {
  const byName = Map.groupBy(samples, ({ name }) => name);
  return Object.entries(families)
    .map(([name, family]) => {
      const { type, help } = family;
      const lines = namesOf(name, family).flatMap((each) => (byName.get(each) ?? []).map(lineOf));
      const text = type === 'histogram' ? lines : lines.sort();
      return `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} ${type}\n${text.join('')}`;
    })
    .join('');
};

/** Adds up what several fronts counted under the same name and labels. */
export const summed = (parts: readonly (readonly Sample[])[]): readonly Sample[] => {
  const sums = new Map<string, Sample>();
  for (const sample of parts.flat()) {
    const key = `${sample.name}${labelsOf(sample)}`;
    const value = (sums.get(key)?.value ?? 0) + sample.value;
    sums.set(key, { ...sample, value });
  }
  return [...sums.values()];
};
