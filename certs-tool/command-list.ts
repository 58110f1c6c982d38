// `list`: every certificate an authority folder has issued.

import type { Command } from './command.ts';
import { issuedIn, revokedIn } from './inventory.ts';
import { authorityFolderFrom, authorityOption } from './options.ts';
import { dateText } from './show.ts';

/** Lists what was issued. */
export const list: Command = {
  name: 'list',
  parameters: '',
  summary: 'list every certificate that was issued, and whether it is in force',
  example: 'list --json',
  failure: 'nothing was listed',
  words: { min: 0, max: 0 },
  options: { authority: authorityOption },
  run: (typed, machine) => {
    const folder = authorityFolderFrom(typed, machine);
    const revoked = new Set(revokedIn(folder, machine).map(({ serial }) => serial));
    const now = machine.now();
    const rows = issuedIn(folder, machine).map((record) => {
      const expired = record.notAfter <= now ? 'expired' : 'in force';
      return { ...record, state: revoked.has(record.serial) ? 'revoked' : expired };
    });
    return {
      data: rows,
      lines: rows.map(
        ({ serial, holder, notAfter, state, generation }) =>
          `${serial}  ${state.padEnd(8)}  ${dateText(notAfter)}  g${generation}  ${holder}`,
      ),
    };
  },
};
