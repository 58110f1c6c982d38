// The main program of the process that posts captured changes. It ends when the node lets go of it,
// or is gone: whoever leads next goes on behind what was taken.
import { ChangeReader } from '#db/changes/read-changes.ts';
import { frameBytesMax } from '#limits.ts';
import { systemEffects } from '#node/node-effects.ts';
import { senderState, startSender } from '#node/seams/sender-seam.ts';
import { pipeToParent } from '#process/child.ts';
import { Seam } from '#process/seam.ts';
import { Sender } from './sender.ts';
import { WebhookClient } from './webhook-client.ts';

const givenUp = new AbortController();

const seam = new Seam(pipeToParent(), { frameBytesMax, onClose: () => process.exit(0) });

seam.serve(startSender, ({ folder, node, webhook }, reply) => {
  try {
    const { files, clock } = systemEffects;
    const client = new WebhookClient(webhook, files, () => clock.wallMs());
    let reader: ChangeReader | undefined;
    const opened = (): ChangeReader | undefined => (reader ??= ChangeReader.open(folder, files));
    const sender = new Sender({
      ...{ node, settings: webhook, signal: givenUp.signal },
      highWater: opened()?.highWater() ?? 0,
      read: (after, bytesMax) => opened()?.read({ after, bytesMax }),
      post: (body) => client.post(body),
      wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      onState: (state) => {
        seam.notify(senderState, state);
      },
    });
    reply({ error: '' });
    // Whatever breaks it ends the process: the node says so and starts another one.
    void sender.run();
  } catch (error) {
    reply({ error: error instanceof Error ? error.message : String(error) });
  }
});
