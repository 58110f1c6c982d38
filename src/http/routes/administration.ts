// Answers that routes of administration have in common.
import type { OrdinaryAnswer } from '#http/route.ts';
import type { Services } from '#http/services.ts';

/** No body, of the type that rqlite says. */
export const emptyBody = { contentType: 'application/json; charset=utf-8', body: '' } as const;

/** It is done: 200 without a body, as rqlite. */
export const doneAnswer = ({ advertisedAddress }: Services): OrdinaryAnswer => ({
  status: 200,
  ...emptyBody,
  headers: ['X-RQLITE-SERVED-BY', advertisedAddress],
});
