// Who a request comes from and what proved it: an open connection ends when that is taken away.
import type { Principal } from './principal.ts';

/** A user and its proof. */
export interface Login {
  readonly principal: Principal;
  /** `nothing`: the user `*`, who needs no proof. */
  readonly by: 'password' | 'token' | 'certificate' | 'nothing';
  /** Empty unless it was a token. */
  readonly tokenId: string;
}
