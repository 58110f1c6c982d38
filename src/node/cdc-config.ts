// The settings of change data capture.
import { keptEventBytesDefault, keptEventBytesMin } from '#db/changes/bounds.ts';
import type { Setting } from './settings.ts';

/** Change data capture on this node. */
export interface CdcConfig {
  /** Bytes of events that are kept; the oldest are dropped first. */
  readonly keptBytes: number;
}

/** Their part of the table of settings. */
export const cdcSettings: readonly Setting[] = [
  {
    key: 'cdc.enabled',
    kind: 'flag',
    standard: 'false',
    meaning:
      'Capture what writes change (docs/CDC.md): GET /db/changes. Each entry is then applied in a transaction of its own.',
  },
  {
    key: 'cdc.keptBytes',
    kind: 'whole',
    standard: String(keptEventBytesDefault),
    min: keptEventBytesMin,
    max: 1024 ** 4,
    meaning: 'Bytes of captured changes that this node keeps; the oldest are dropped first.',
  },
];

/** Undefined: it is off. @throws CodedError `config_invalid` */
export const cdcConfigFrom = (text: (key: string) => string): CdcConfig | undefined =>
  text('cdc.enabled') === 'true' ? { keptBytes: Number(text('cdc.keptBytes')) } : undefined;
