// One question to the node of this machine, over its own socket.
import { resolve } from 'node:path';
import type { CommandInput } from '#cli/command.ts';
import { CodedError } from '#errors.ts';
import { type NodeName, nodeNameFrom } from '#identity/node-name.ts';
import type { AdminReply } from '#node/seams/admin-seam.ts';
import type { Method } from '#process/seam.ts';
import { openAdminClient } from './admin-client.ts';
import { nodeFolder } from './node-folder.ts';

/** Asks the node of `--data`. @throws CodedError what it refused, `unreachable` */
export const askNode = async <Request, Value>(
  input: CommandInput,
  method: Method<Request, AdminReply<Value>>,
  request: Request,
): Promise<Value> => {
  const client = await openAdminClient(nodeFolder(resolve(input.text('data'))).data);
  try {
    return await client.ask(method, request);
  } finally {
    client.close();
  }
};

/** The one name among the words. @throws CodedError `usage` */
export const oneNameOf = (input: CommandInput, what: string, example: string): NodeName => {
  const [word, ...more] = input.words;
  if (word !== undefined && more.length === 0) return nodeNameFrom(word);
  throw new CodedError('usage', `name the one member to ${what}`, {
    hint: `For example: ${example}`,
  });
};
