// Prometheus' text format, version 0.0.4: families with help and type, samples with labels.

/** One number. Names are in base units (seconds, bytes); a counter's ends in `_total`. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a name means. */
export interface Family {
  readonly type: 'counter' | 'gauge';
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

/** The text; every family is named even without samples, samples of no family are left out. */
export const exposition = (
  families: Readonly<Record<string, Family>>,
  samples: readonly Sample[],
): string =>
  Object.entries(families)
    .map(([name, { type, help }]) => {
      const lines = samples
        .filter((sample) => sample.name === name)
        .map((sample) => `${name}${labelsOf(sample)} ${sample.value}\n`)
        .sort();
      return `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');

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
