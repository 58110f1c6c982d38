// From settings to the posting of captured changes.
import type { NodeConfig } from '#node/config.ts';
import type { WriterKeeper } from '#node/writer-keeper.ts';
import { Webhook, type WebhookOptions } from './webhook.ts';

/** What it is opened with. */
export interface OpenWebhookOptions
  extends Omit<WebhookOptions, 'folder' | 'webhook' | 'keep' | 'transport'> {
  readonly config: NodeConfig;
  readonly keeper: Pick<WriterKeeper, 'noteHighWater'>;
  readonly transport: ReturnType<WebhookOptions['transport']>;
}

/** Undefined: changes are not captured here. */
export const openWebhook = (options: OpenWebhookOptions): Webhook | undefined => {
  const { config, keeper, transport, ...others } = options;
  if (config.cdc === undefined) return undefined;
  return new Webhook({
    ...others,
    folder: config.node.data,
    webhook: config.cdc.webhook,
    keep: (index) => keeper.noteHighWater(index),
    transport: () => transport,
  });
};
