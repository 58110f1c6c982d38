// A user's name: what the auth file lists and what a client certificate's URI may carry.
import { CodedError } from '#errors.ts';

declare const brand: unique symbol;

/** 1 to 64 of `A-Za-z0-9._@-`, not `.` or `..`. Made by {@link userNameFrom} only. */
export type UserName = string & { readonly [brand]: 'UserName' };

const pattern = /^[A-Za-z0-9._@-]{1,64}$/;

/** Whether a text can be a user's name. */
export const isUserName = (text: string): text is UserName =>
  pattern.test(text) && text !== '.' && text !== '..';

/** @throws CodedError `config_invalid` with the rule when the text cannot be a user's name */
export const userNameFrom = (text: string): UserName => {
  if (isUserName(text)) return text;
  throw new CodedError('config_invalid', `${JSON.stringify(text)} is not a user name`, {
    hint: 'Use 1 to 64 letters, digits and the characters . _ @ -',
  });
};
