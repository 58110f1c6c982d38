// Memory and file descriptors of every process of the nodes, sampled over time: what grows with the
// length of a soak shows as a difference between its quarters.
import { readdirSync, readFileSync } from 'node:fs';
import { treeOf } from '../bench/process-tree.ts';

const pageBytes = 4096;
const mib = 1024 * 1024;

/** What a process of a node is for. */
export type Kind = 'node' | 'writer' | 'front' | 'reader';

interface Sample {
  readonly atMs: number;
  readonly kind: Kind;
  readonly residentMib: number;
  readonly descriptors: number;
}

const kindOf = (command: string): Kind | undefined => {
  if (command.includes('writer-main')) return 'writer';
  if (command.includes('front-main')) return 'front';
  if (command.includes('reader-main')) return 'reader';
  return command.includes('main') && command.includes('run') ? 'node' : undefined;
};

/** Collects samples. */
export class ProcessFigures {
  readonly #samples: Sample[] = [];

  /** Looks at the trees of these processes now. */
  look(roots: readonly number[], atMs: number): void {
    for (const pid of treeOf(roots.filter((root) => root !== 0))) {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
        const kind = kindOf(command);
        if (kind === undefined) continue;
        const pages = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
        const descriptors = readdirSync(`/proc/${pid}/fd`).length;
        this.#samples.push({ atMs, kind, residentMib: (pages * pageBytes) / mib, descriptors });
      } catch {
        // It ended while it was looked at.
      }
    }
  }

  /** A Markdown table: for each kind and quarter of the run median and maximum. */
  table(): string {
    const last = Math.max(...this.#samples.map(({ atMs }) => atMs));
    const rows = (['node', 'writer', 'front', 'reader'] as const).map((kind) => {
      const of = this.#samples.filter((sample) => sample.kind === kind);
      const quarters = [0, 1, 2, 3].map((quarter) =>
        of.filter(({ atMs }) => Math.min(3, Math.floor((atMs / last) * 4)) === quarter),
      );
      const memory = quarters.map((samples) =>
        spread(samples.map(({ residentMib }) => residentMib)),
      );
      const files = quarters.map((samples) => spread(samples.map((one) => one.descriptors)));
      return `| ${kind} | ${memory.join(' | ')} | ${files.join(' | ')} |\n`;
    });
    const head = ['process', ...[1, 2, 3, 4].map((q) => `MiB ${q}/4`)];
    const heads = [...head, ...[1, 2, 3, 4].map((q) => `fds ${q}/4`)];
    return `| ${heads.join(' | ')} |\n|${'---|'.repeat(heads.length)}\n${rows.join('')}`;
  }
}

/** Median and maximum, rounded; of nothing a dash. */
const spread = (values: readonly number[]): string => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  return middle === undefined ? '-' : `${Math.round(middle)}, ${Math.round(sorted.at(-1) ?? 0)}`;
};
