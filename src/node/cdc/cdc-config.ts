// The settings of change data capture.
import { keptEventBytesDefault, keptEventBytesMin } from '#db/changes/bounds.ts';
import type { Setting } from '#node/settings.ts';
import { type WebhookSettings, webhookFrom, webhookSettings } from './webhook-settings.ts';

/** Change data capture on this node. */
export interface CdcConfig {
  /** Bytes of events that are kept; the oldest are dropped first. */
  readonly keptBytes: number;
  /** Undefined: nothing is posted. */
  readonly webhook: WebhookSettings | undefined;
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
  ...webhookSettings,
];

/** Undefined: it is off. @throws CodedError `config_invalid` */
export const cdcConfigFrom = (text: (key: string) => string): CdcConfig | undefined => {
  const webhook = webhookFrom(text);
  if (text('cdc.enabled') !== 'true') return undefined;
  return { keptBytes: Number(text('cdc.keptBytes')), webhook };
};
