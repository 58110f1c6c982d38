// Answers that routes of administration have in common.
import type { Exchange } from '#http/exchange.ts';
import type { OrdinaryAnswer } from '#http/route.ts';
import type { Services } from '#http/services.ts';

const emptyBody = { contentType: 'application/json; charset=utf-8', body: '' } as const;

/** It is done: 200 without a body, as rqlite. */
export const doneAnswer = ({ advertisedAddress }: Services): OrdinaryAnswer => ({
  status: 200,
  ...emptyBody,
  headers: ['X-RQLITE-SERVED-BY', advertisedAddress],
});

/** 301 to the same request at another node. */
export const movedAnswer = (apiUrl: string, { path, query }: Exchange): OrdinaryAnswer => ({
  status: 301,
  ...emptyBody,
  headers: ['Location', `${apiUrl}${path}${query === '' ? '' : `?${query}`}`],
});
