// How a node and its cluster stand, as people read it.
import type { AdminMember, AdminStatus } from '#node/seams/admin-seam.ts';

const heads = ['NAME', 'ROLE', 'STATE', 'BEHIND', 'PEER', 'API'] as const;

/** Rows of cells, aligned; no spaces at the ends of lines. */
const aligned = (rows: readonly (readonly string[])[]): string => {
  const widths = heads.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
};

const stateOf = ({ name, up, denied, silentMs }: AdminMember, leader: string): string => {
  if (denied === true) return 'denied';
  if (name === leader) return 'leads';
  if (up) return 'up';
  return silentMs === undefined ? 'down' : `down for ${secondsText(silentMs)}`;
};

const secondsText = (ms: number): string => {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes}m` : `${Math.round(minutes / 60)}h`;
};

/** The members as one node sees them. How far they are behind only the leader knows. */
export const nodesText = ({ members, leader }: AdminStatus): string =>
  aligned([
    heads,
    ...members.map((member) => [
      member.name,
      member.role,
      stateOf(member, leader),
      member.name === leader ? '0' : String(member.entriesBehind ?? '-'),
      member.peerAddress,
      member.apiUrl,
    ]),
  ]);

/** What a node says of itself. */
export const statusText = (status: AdminStatus): string => {
  const { name, role, voter, ready, leader, appliedIndex, commitIndex } = status;
  const behind = commitIndex - appliedIndex;
  const facts: readonly (readonly [string, string])[] = [
    ['node', `${name}: ${role}, ${voter ? 'votes' : 'does not vote'}, ${readyText(ready)}`],
    ['leader', leader === '' ? 'none' : `${leader} in term ${status.term}`],
    ['applied', `${appliedIndex}${behind > 0 ? `, ${behind} behind` : ''}`],
    ['cluster', status.cluster],
    ['version', status.version],
  ];
  return `${facts.map(([what, value]) => `${what.padEnd(8)} ${value}\n`).join('')}\n${nodesText(status)}`;
};

const readyText = (ready: boolean): string => (ready ? 'ready' : 'not ready');
