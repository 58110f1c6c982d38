// Opens a log in its thread and joins the two sides.
import { CodedError } from '#errors.ts';
import { errorFrom } from './carried-error.ts';
import type { DurableLog, DurableLogEvents, DurableLogOptions } from './durable-log.ts';
import { LogClient } from './log-client.ts';
import { startLogThread } from './start-log-thread.ts';
import type { FromLogThread } from './thread-message.ts';

/**
 * Opens the log of a folder, or makes one, in a thread that nobody has told anything yet.
 * CodedError `log_damaged`, `data_folder_foreign`, `file_permissions`, `disk_full` or
 * `storage_failed`.
 */
export const openDurableLog = (
  options: DurableLogOptions,
  events: DurableLogEvents,
  worker = startLogThread(),
): Promise<DurableLog> =>
  new Promise((resolve, reject) => {
    let client: LogClient | undefined;
    const fail = (error: Error): void => {
      if (client !== undefined) {
        client.fail(error);
        return;
      }
      void worker.terminate();
      reject(error);
    };
    worker.on('message', (message: FromLogThread) => {
      if (client !== undefined) {
        client.receive(message);
      } else if (message.kind === 'opened') {
        client = new LogClient(
          {
            post: (toThread, transfer) => worker.postMessage(toThread, transfer),
            end: () => worker.terminate(),
          },
          message,
          events,
        );
        resolve(client);
      } else if (message.kind === 'failed') {
        fail(errorFrom(message.error));
      }
    });
    worker.on('error', fail);
    worker.on('exit', () =>
      fail(new CodedError('storage_failed', 'The log thread ended without being asked to.')),
    );
    worker.postMessage(options);
  });
