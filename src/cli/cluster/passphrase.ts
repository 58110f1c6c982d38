// The passphrase of CA keys: from a file that only its owner reads, or from standard input. Never
// an argument and never the environment, where others could see it.
import { resolve } from 'node:path';
import { diskFiles, readStandardInput } from '#certs-tool/files.ts';
import type { CommandInput, CommandOption } from '#cli/command.ts';
import { CodedError } from '#errors.ts';

/** Gives the passphrase, every time the same. */
export type Passphrase = () => string;

/** The option. */
export const passphraseOption: CommandOption = {
  name: 'passphrase-file',
  kind: 'text',
  value: 'FILE',
  standard: '',
  meaning: 'file with the passphrase of the CA keys (mode 0600), - for standard input',
};

/**
 * The passphrase that was given; undefined when none was. Read at once: standard input only once,
 * and a file that cannot be read is told before anything is done.
 *
 * @throws CodedError `usage`, `file_permissions`
 */
export const passphraseFrom = (input: CommandInput): Passphrase | undefined => {
  if (!input.given('passphrase-file')) return undefined;
  const path = input.text('passphrase-file');
  if (path === '-' && input.on('confirm')) {
    throw new CodedError('usage', 'standard input cannot both hold the passphrase and confirm', {
      hint: 'Put the passphrase into a file of mode 0600 and name that.',
    });
  }
  const text = path === '-' ? readStandardInput() : diskFiles.readSecret(resolve(path));
  const passphrase = text.replace(/\r?\n$/, '');
  return () => passphrase;
};
