// Options that several commands share, and the values in them.

import { CodedError } from '#errors.ts';
import { type ClusterId, clusterIdFrom } from '#identity/cluster-id.ts';
import type { AuthorityKind } from './authority.ts';
import { type AuthorityFolder, openAuthorityFolder } from './authority-folder.ts';
import type { Machine, Option, Typed } from './command.ts';
import { usageError } from './command-line.ts';

/** The folder of the authorities unless told otherwise. */
const authorityDefault = 'authority';

/** Which authority folder. */
export const authorityOption: Option = {
  type: 'string',
  value: 'DIR',
  help: `folder of the CAs (default ${authorityDefault})`,
};

/** Which of the two authorities. */
export const kindOption: Option = {
  type: 'string',
  value: 'peer|client',
  help: 'which of the two CAs',
};

/** Hosts to certify. */
export const hostOption: Option = {
  type: 'string',
  multiple: true,
  value: 'HOST',
  help: 'DNS name or IP address; repeat for more',
};

/** The folder for a holder's files. */
export const outOption: Option = {
  type: 'string',
  value: 'DIR',
  help: 'where the files go (default certs/NAME)',
};

/** Where the passphrase is read from; never an argument or the environment. */
export const passphraseOption: Option = {
  type: 'string',
  value: 'FILE',
  help: 'file with the passphrase of the CA key, - for standard input',
};

/** Which cluster. */
export const clusterOption: Option = {
  type: 'string',
  value: 'ID',
  help: 'cluster id, 32 hexadecimal digits',
};

/** The option for a lifetime, with the kind's default in its help. */
export const daysOption = (help: string): Option => ({ type: 'string', value: 'DAYS', help });

/** Path of the authority folder. */
export const authorityPath = (typed: Typed): string => typed.text('authority') ?? authorityDefault;

/** The authority folder. @throws CodedError when it cannot be opened */
export const authorityFolderFrom = (typed: Typed, machine: Machine): AuthorityFolder =>
  openAuthorityFolder(authorityPath(typed), machine);

/** A whole number of days of at least 1, undefined when not given. @throws CodedError `usage` */
export const daysFrom = (typed: Typed): number | undefined => {
  const text = typed.text('days');
  if (text === undefined || /^[1-9][0-9]{0,4}$/.test(text)) {
    return text === undefined ? undefined : Number(text);
  }
  throw usageError(`--days is a whole number from 1, not ${JSON.stringify(text)}`, typed.command);
};

/** The cluster id, undefined when not given. @throws CodedError `config_invalid` */
export const clusterFrom = (typed: Typed): ClusterId | undefined => {
  const text = typed.text('cluster');
  if (text === undefined) return undefined;
  try {
    return clusterIdFrom(text);
  } catch (cause) {
    throw new CodedError('config_invalid', `${JSON.stringify(text)} is not a cluster id`, {
      cause,
      hint: 'take the 32 hexadecimal digits that `stockade-certs ca new` or a node shows',
    });
  }
};

/** One of the two authorities, undefined when not given. @throws CodedError `usage` */
export const kindFrom = (typed: Typed): AuthorityKind | undefined => {
  const kind = typed.text('kind');
  if (kind === undefined || kind === 'peer' || kind === 'client') return kind;
  throw usageError(`--kind is peer or client, not ${JSON.stringify(kind)}`, typed.command);
};

/**
 * The passphrase in the file or on standard input, undefined when not given; one end of line is
 * cut.
 */
export const givenPassphrase = (typed: Typed, machine: Machine): string | undefined => {
  const path = typed.text('passphrase-file');
  if (path === undefined) return undefined;
  const text = path === '-' ? machine.standardInput() : machine.files.readSecret(path);
  return text.replace(/\r?\n$/, '');
};

/**
 * Asks for the passphrase when a sealed key turns up, and once: standard input can be read only
 * once. Make one of these in a command and hand it on.
 */
export const passphraseFrom = (typed: Typed, machine: Machine): (() => string) => {
  let known: string | undefined;
  return () => {
    known ??= givenPassphrase(typed, machine);
    if (known !== undefined) return known;
    throw new CodedError('config_invalid', 'the CA key is under a passphrase and none was given', {
      hint: 'add --passphrase-file FILE, or --passphrase-file - and write it to standard input',
    });
  };
};
