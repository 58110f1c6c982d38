// A parameter of a statement, as SQLite will store it.

/**
 * `bigint` is INTEGER (-2^63 to 2^63 - 1), `number` is REAL, `string` is TEXT, `Uint8Array` is
 * BLOB, `boolean` is INTEGER 1 or 0, `null` is NULL. A JavaScript number is never an INTEGER here.
 */
export type Value = null | bigint | number | string | Uint8Array | boolean;
