// The permissions a user can hold, by the names the auth file uses. rqlite's names keep rqlite's
// meaning; the others name what rqlite has no permission for.

/** Every permission name, rqlite's first. */
export const permissionNames = [
  'all',
  'execute',
  'query',
  'backup',
  'load',
  'status',
  'ready',
  'ui',
  'snapshot',
  'leader-ops',
  'remove',
  'join',
  'join-read-only',
  'join-read-replica',
  'metrics',
  'transaction',
  'changes',
  'kill',
  'heavy',
  'admin',
] as const;

/** One permission; `all` stands for every other. */
export type Permission = (typeof permissionNames)[number];

const known: ReadonlySet<string> = new Set(permissionNames);

/** Whether a text of the auth file names a permission; case counts. */
export const isPermission = (text: string): text is Permission => known.has(text);
