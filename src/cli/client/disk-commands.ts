// `stockade snapshot` and `stockade reap`: what a node does with its disk by itself, done now. Over
// the API like any client, at the node that is named.
import type { Command } from '#cli/command.ts';
import { placeOptions } from './server-place.ts';
import { withClient } from './with-client.ts';

/** Makes what is applied durable and trims the log. */
export const snapshotCommand: Command = {
  name: 'snapshot',
  summary: 'make what a node has applied durable now, and let its log go of it',
  usage: 'stockade snapshot [--trailing N] [--server PLACE] [OPTIONS]',
  example: 'stockade snapshot --trailing 1000',
  takesSettings: false,
  options: [
    {
      name: 'trailing',
      kind: 'whole',
      value: 'N',
      standard: '0',
      min: 0,
      max: 1_000_000_000,
      meaning: 'entries that stay in the log all the same',
    },
    ...placeOptions,
  ],
  run: (input) =>
    withClient(input, async (client) => {
      const trailing = input.whole('trailing');
      const path = trailing === 0 ? '/snapshot' : `/snapshot?trailing_logs=${trailing}`;
      const { status, body } = await client.openGood({ method: 'POST', path });
      body.resume();
      const nothingNew = 204;
      process.stdout.write(
        status === nothingNew
          ? 'nothing was applied since the last one\n'
          : 'what was applied is durable, and the log let go of it\n',
      );
    }),
};

/** Removes what a node has no use for. */
export const reapCommand: Command = {
  name: 'reap',
  summary: 'let a node remove replaced databases and write its WAL back now',
  usage: 'stockade reap [--server PLACE] [OPTIONS]',
  example: 'stockade reap --server https://10.0.0.1:4001 --ca client-ca.crt --user admin',
  takesSettings: false,
  options: placeOptions,
  run: (input) =>
    withClient(input, async (client) => {
      process.stdout.write(await client.ask({ method: 'POST', path: '/reap' }));
    }),
};
