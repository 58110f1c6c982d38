// A new password for a user: from where it comes, and which are too weak to be taken. Lengths as
// OWASP ASVS 5 has them (6.2.1: 15 characters, 8 when the operator insists).
import { passwordFault } from '#auth/password.ts';
import type { CommandInput, CommandOption } from '#cli/command.ts';
import { CodedError } from '#errors.ts';
import { systemEffects } from '#node/node-effects.ts';
import { canAsk, secretFromFile, secretsFromTerminal } from './secret-input.ts';

const charactersMin = 15;
const charactersMinAllowed = 8;
/** 144 bits. */
const generatedBytes = 18;

/** The most used ones that are long enough; a guesser begins with them. */
const known: ReadonlySet<string> = new Set([
  ...['password', 'password1', 'password123', 'passw0rd', '12345678', '123456789', '1234567890'],
  ...['qwertyuiop', 'qwerty123', 'iloveyou', 'administrator', 'letmein123', 'welcome1', 'changeme'],
  ...['123456789012345', 'passwordpassword', 'qwertyuiopasdfgh', 'correct horse battery staple'],
]);

/** How a password comes in. */
export const passwordOptions: readonly CommandOption[] = [
  {
    name: 'password-file',
    kind: 'text',
    value: 'FILE',
    standard: '',
    meaning: 'read the password from a file, or from standard input with -',
  },
  {
    name: 'generate',
    kind: 'switch',
    value: '',
    standard: 'false',
    meaning: 'make a random password and print it',
  },
  {
    name: 'allow-short',
    kind: 'switch',
    value: '',
    standard: 'false',
    meaning: `take a password of ${charactersMinAllowed} characters, not only of ${charactersMin}`,
  },
];

/** Why this is no good password for this user; undefined when it is. */
export const weaknessOf = (
  password: string,
  user: string,
  allowShort: boolean,
): string | undefined => {
  const fault = passwordFault(password);
  if (fault !== undefined) return fault;
  const least = allowShort ? charactersMinAllowed : charactersMin;
  if (Array.from(password).length < least) return `it has less than ${least} characters`;
  const lower = password.toLowerCase();
  if (known.has(lower) || new Set(lower).size < 4) return 'it is one that guessers try first';
  if (lower.includes(user.toLowerCase())) return 'it holds the name of the user';
  return undefined;
};

/** @throws CodedError `usage` when there is none, or it is too weak */
export const newPassword = async (input: CommandInput, user: string): Promise<string> => {
  if (input.on('generate')) {
    const password = Buffer.from(systemEffects.random.bytes(generatedBytes)).toString('base64url');
    process.stdout.write(`${password}\n`);
    return password;
  }
  const password = input.given('password-file')
    ? await secretFromFile(input.text('password-file'))
    : await asked(user);
  const weakness = weaknessOf(password, user, input.on('allow-short'));
  if (weakness === undefined) return password;
  throw new CodedError('usage', `this password is not taken: ${weakness}`, {
    hint: `Choose one of ${charactersMin} to 72 bytes, or let --generate make one.`,
  });
};

const asked = async (user: string): Promise<string> => {
  if (!canAsk()) {
    throw new CodedError('usage', 'there is no terminal to ask for the password', {
      hint: 'Use --password-file FILE, --password-file - for standard input, or --generate.',
    });
  }
  const questions = [`New password of ${user}: `, 'Once more: '];
  const [password = '', again] = await secretsFromTerminal(questions);
  if (again === password) return password;
  throw new CodedError('usage', 'the two are not the same; nothing was changed');
};
