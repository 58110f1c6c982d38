// What a node counts, put together for /metrics.
import type { NodeNumbers } from '#http/backend.ts';
import type { AuditState } from './audit-log.ts';
import type { Fronts } from './fronts.ts';
import type { WriterKeeper } from './writer-keeper.ts';

/** Of a log that is not open yet: nothing. */
export const auditNumbersOf = (state: AuditState | undefined): NodeNumbers['audit'] => ({
  failing: state !== undefined && state.fault !== '',
  lines: state?.lines ?? 0,
  lost: state?.lost ?? 0,
});

/** The numbers now; a front that ends meanwhile is left out. */
export const nodeNumbersOf = async (
  keeper: WriterKeeper,
  fronts: Fronts | undefined,
  counted: Omit<NodeNumbers, 'restarts' | 'fronts'>,
): Promise<NodeNumbers> => ({
  ...counted,
  restarts: { writer: keeper.restarts, front: fronts?.restarts ?? 0 },
  fronts: (await fronts?.samples()) ?? [],
});
