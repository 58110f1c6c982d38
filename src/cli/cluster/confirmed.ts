// Asks the person at the terminal whether two screens show the same words.
import { createInterface } from 'node:readline/promises';
import { CodedError } from '#errors.ts';
import { keyWordsOf } from './key-words.ts';

/** @throws CodedError `permission_denied` unless the person says yes */
export const confirmed = async ({
  name,
  keyPin,
}: {
  readonly name: string;
  /** SHA-256 of the key, hexadecimal. */
  readonly keyPin: string;
}): Promise<void> => {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const question = `Does the screen of ${name} show these words?\n  ${keyWordsOf(keyPin)}\nyes or no: `;
  // The end of the input is no yes.
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('no')));
  const said = await Promise.race([terminal.question(question), ended]);
  terminal.close();
  if (said.trim().toLowerCase() === 'yes') return;
  throw new CodedError('permission_denied', `the words of ${name} were not confirmed`, {
    hint: 'Somebody else may hold the token; make a new one.',
  });
};
