// The settings of change data capture.

/** Change data capture on this node. */
export interface CdcConfig {
  /** Bytes of events that are kept; the oldest are dropped first. */
  readonly keptBytes: number;
}

/** Undefined: it is off. @throws CodedError `config_invalid` */
export const cdcConfigFrom = (text: (key: string) => string): CdcConfig | undefined =>
  text('cdc.enabled') === 'true' ? { keptBytes: Number(text('cdc.keptBytes')) } : undefined;
