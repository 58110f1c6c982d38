// How fresh a read must be, by the names of the API.

/** Read levels of the API. */
export const levels = ['none', 'weak', 'linearizable', 'strong', 'auto'] as const;
/** One of them. */
export type Level = (typeof levels)[number];
