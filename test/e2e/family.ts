// The processes of a node, as /proc shows them.
import { readdirSync, readFileSync } from 'node:fs';

/** A process and all that descend from it. */
export const familyOf = (root: number): readonly number[] => {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const [, parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return [{ pid: Number(name), parent: Number(parent) }];
      } catch {
        return [];
      }
    });
  const found = [root];
  for (let at = 0; at < found.length; at++) {
    found.push(...parents.filter(({ parent }) => parent === found[at]).map(({ pid }) => pid));
  }
  return found;
};
