// The Authorization header, as RFC 7617 has it: strict base64, UTF-8, user up to the first colon.
import { isUtf8 } from 'node:buffer';

/** What a header says, or why it cannot be read. */
export type BasicCredentials =
  | { readonly kind: 'credentials'; readonly user: string; readonly password: string }
  | { readonly kind: 'malformed'; readonly reason: string };

const headerPattern = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i;
/**
 * A user name of 64 and a password of 72 characters of four bytes each fit in several times over.
 */
const headerCharactersMax = 1024;

const malformed = (reason: string): BasicCredentials => ({ kind: 'malformed', reason });

/** Reads the value of an Authorization header; the scheme's case does not count. */
export const basicCredentialsFrom = (header: string): BasicCredentials => {
  if (header.length > headerCharactersMax) return malformed('the Authorization header is too long');
  const base64 = headerPattern.exec(header)?.[1];
  if (base64 === undefined) return malformed('only the schemes Basic and Bearer are understood');
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== base64.replace(/=+$/, '')) {
    return malformed('the credentials are not base64');
  }
  if (!isUtf8(bytes)) return malformed('the credentials are not UTF-8');
  const text = bytes.toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return malformed('the credentials have no colon');
  return { kind: 'credentials', user: text.slice(0, colon), password: text.slice(colon + 1) };
};
