// What the audit log keeps: who did or tried what, from where, and what came of it. Never a
// password, a token, a statement or a parameter.

/** One thing that happened. Fields that say nothing are left out. */
export interface AuditEvent {
  /**
   * `denied`: turned away. `login`: somebody was recognised. `administration`: about to be done;
   * `administered`: it was. `users`: the auth file was read anew. `start`, `stop`: of the node.
   * `lost`: events that could not be kept.
   */
  readonly event:
    | 'denied'
    | 'login'
    | 'administration'
    | 'administered'
    | 'users'
    | 'start'
    | 'stop'
    | 'lost';
  readonly requestId?: string;
  /** As claimed where it was not proved. */
  readonly user?: string;
  /** What proved the user: `password`, `token ID`, `certificate`, `socket`. */
  readonly by?: string;
  /** The client's address. */
  readonly address?: string;
  /** Method and path of a request, or the name of a command. */
  readonly action?: string;
  /** Code of the error. */
  readonly code?: string;
  readonly status?: number;
  readonly detail?: string;
  /** How many more of the same there were since the last such line. */
  readonly repeated?: number;
}
