// Standard input as a text: a token is one short line.
import { tokenTextBytesMax } from '#cluster/bounds.ts';

/** All of it, or as much as a token can have. */
export const standardInput = async (): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    const part: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    chunks.push(part);
    bytes += part.length;
    if (bytes > tokenTextBytesMax) break;
  }
  return Buffer.concat(chunks).toString('utf8');
};
