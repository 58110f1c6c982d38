// Passwords and their hashes: what may be a password, what may be a hash, and how one becomes the
// other. bcryptjs blocks its thread for a third of a second a hash, so the server only reaches it
// through the hasher thread; making a hash here is for command-line tools.
import { genSaltSync, hashSync } from 'bcryptjs';
import { CodedError } from '#errors.ts';

/** bcrypt reads no further; a longer password would be cut without a word. */
const passwordBytesMax = 72;
/** Below: too cheap to guess. Above: a file could turn logins into a CPU weapon (14 is 1.3 s). */
export const bcryptCostMin = 10;
export const bcryptCostMax = 14;
/** Cost of hashes that our own tools make: a third of a second on a present core. */
export const bcryptCostDefault = 12;

const hashPattern = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** Cost of a bcrypt hash that we accept; undefined for everything else. */
export const bcryptCostOf = (hash: string): number | undefined => {
  const digits = hashPattern.exec(hash)?.[1];
  if (digits === undefined) return undefined;
  const cost = Number(digits);
  return cost >= bcryptCostMin && cost <= bcryptCostMax ? cost : undefined;
};

/** The form in which passwords are hashed and compared: `é` typed in two ways is one password. */
export const normalPassword = (password: string): string => password.normalize('NFC');

/** Why a text cannot be a password, or undefined. */
export const passwordFault = (password: string): string | undefined => {
  if (password.length === 0) return 'it is empty';
  if (password.includes('\0')) return 'it holds a NUL character';
  if (Buffer.byteLength(normalPassword(password)) > passwordBytesMax) {
    return `it has more than ${passwordBytesMax} bytes, which bcrypt would cut off`;
  }
  return undefined;
};

/**
 * A hash for the auth file. Blocks for as long as a login costs.
 *
 * @throws CodedError `usage` when the text cannot be a password
 */
export const hashPassword = (password: string, cost: number = bcryptCostDefault): string => {
  const fault = passwordFault(password);
  if (fault !== undefined) {
    throw new CodedError('usage', `This cannot be a password: ${fault}`, {
      hint: `Choose one of 1 to ${passwordBytesMax} bytes.`,
    });
  }
  return hashSync(normalPassword(password), genSaltSync(cost));
};
