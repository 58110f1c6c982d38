// Options that several of the cluster's commands share.
import type { CommandOption } from '#cli/command.ts';
import { standardFolder } from './node-folder.ts';

const port = (name: string, standard: string, meaning: string): CommandOption => ({
  name,
  kind: 'whole',
  value: 'PORT',
  standard,
  min: 1,
  max: 65_534,
  meaning,
});

/** The folder of this machine's node. */
export const dataOption: CommandOption = {
  name: 'data',
  kind: 'text',
  value: 'DIR',
  standard: standardFolder,
  meaning: "the folder of this machine's node",
};

/** Ports of a new node. */
export const httpPortOption = port('http-port', '4001', 'port of the HTTPS API');
/** Where other nodes connect. */
export const peerPortOption = port(
  'peer-port',
  '4002',
  'port of the other nodes; newcomers use the one behind it',
);

/** How long tokens live. */
export const ttlOption: CommandOption = {
  name: 'ttl',
  kind: 'text',
  value: 'TIME',
  standard: '15m',
  meaning: 'how long the join lines work, at most 60m',
};

/** Whether a person compares words. */
export const confirmOption: CommandOption = {
  name: 'confirm',
  kind: 'switch',
  value: '',
  standard: 'false',
  meaning: 'ask before each signature, showing six words that the new machine shows too',
};

/** For programs. */
export const jsonOption: CommandOption = {
  name: 'json',
  kind: 'switch',
  value: '',
  standard: 'false',
  meaning: 'JSON instead of a table',
};

/** Again and again. */
export const watchOption: CommandOption = {
  name: 'watch',
  kind: 'switch',
  value: '',
  standard: 'false',
  meaning: 'show it anew every second, until Ctrl-C',
};
