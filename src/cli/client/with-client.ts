// A client of the server that the options of a command name, for as long as the command works.
import type { CommandInput } from '#cli/command.ts';
import { exitCodes } from '#cli/exit-code.ts';
import { ApiClient } from './api-client.ts';
import { serverPlaceFrom } from './server-place.ts';

/** Works with a client, closes it; the exit code of what is done. @throws CodedError */
export const withClient = async (
  input: CommandInput,
  work: (client: ApiClient) => Promise<void>,
): Promise<number> => {
  const client = new ApiClient(await serverPlaceFrom(input));
  try {
    await work(client);
    return exitCodes.done;
  } finally {
    client.close();
  }
};
