// PEM text (RFC 7468): blocks between BEGIN and END lines. Strict on what a block holds, silent
// about the prose that other tools write around blocks.
const block = /-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n([A-Za-z0-9+/=\r\n]*?)-----END \1-----/g;

/** One block of a PEM text. */
export interface PemBlock {
  readonly label: string;
  readonly bytes: Buffer;
}

/** PEM text of `bytes` under a label, in lines of 64 characters, ending in a newline. */
export const pemOf = (label: string, bytes: Uint8Array): string => {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
};

/** All blocks of a text, in order; text that holds none gives an empty list. */
export const pemBlocksFrom = (text: string): PemBlock[] =>
  [...text.matchAll(block)].map(([, label = '', body = '']) => ({
    label,
    bytes: Buffer.from(body, 'base64'),
  }));
