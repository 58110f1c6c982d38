// The identity of one disk: random, made when a data folder is created, bound to the member when it
// joins. A known name with another store id is a lost or rolled-back disk and is refused: it would
// vote twice and un-acknowledge entries.
import { CodedError } from '#errors.ts';

declare const brand: unique symbol;

/** 32 lower-case hexadecimal digits. Made by {@link storeIdFrom} only. */
export type StoreId = string & { readonly [brand]: 'StoreId' };

const pattern = /^[0-9a-f]{32}$/;

const isStoreId = (text: string): text is StoreId => pattern.test(text);

/** @throws CodedError `data_folder_foreign` when the text is not a store id */
export const storeIdFrom = (text: string): StoreId => {
  if (isStoreId(text)) return text;
  throw new CodedError('data_folder_foreign', 'a store id is 32 lower-case hexadecimal digits');
};
