// What routes of administration have in common: whether the leader must be asked, and how a client
// is sent there.
import { CodedError } from '#errors.ts';
import type { Exchange } from '#http/exchange.ts';
import type { OrdinaryAnswer } from '#http/route.ts';
import type { Services } from '#http/services.ts';

/** A 301 to the same request at another node, of this content type ('': none). */
export const redirectTo = (
  apiUrl: string,
  { path, query }: Exchange,
  contentType: string,
): OrdinaryAnswer => ({
  status: 301,
  contentType,
  body: '',
  headers: ['Location', `${apiUrl}${path}${query === '' ? '' : `?${query}`}`],
});

/** Waits a moment for a leader. @throws CodedError `no_leader` when none is found */
export const requireLeader = (
  { data }: Services,
  timeoutMs: number,
  applied: 'no' | undefined,
): Promise<void> =>
  new Promise((resolve, reject) => {
    data.whenLed(timeoutMs, (found) => {
      const details = applied === undefined ? {} : { applied };
      if (found) resolve();
      else reject(new CodedError('no_leader', 'leader not found', details));
    });
  });
