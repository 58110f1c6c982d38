// What data folders of stopped nodes hold, as a table for a person who has to choose among them.
import { epochOf } from '#node/recovery/epoch.ts';
import type { StoppedNode } from '#node/recovery/stopped-node.ts';

const headings = ['node', 'epoch', 'last entry', 'its term', 'committed', 'applied', 'voters'];

const rowOf = (node: StoppedNode): readonly string[] => {
  const { identity, lastIndex, lastTerm, stopped, writer, membership } = node;
  return [
    identity.name,
    String(epochOf(lastTerm)),
    String(lastIndex),
    String(lastTerm),
    String(stopped.log.recovered.hardState.commitIndex),
    String(writer.state.appliedIndex),
    membership.voters.join(','),
  ];
};

/** A line for each folder; `committed` is what the node knew when it last wrote. */
export const foldersText = (nodes: readonly StoppedNode[]): string => {
  const rows = [headings, ...nodes.map(rowOf)];
  const widths = headings.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};
