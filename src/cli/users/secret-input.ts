// Secrets that a person or a script hands to a command: typed without echo, or read from a file or
// from standard input. Never from the command line, which everybody on the machine can see.
import { CodedError } from '#errors.ts';
import { readPrivateFile } from '#io/private-path.ts';
import { systemEffects } from '#node/node-effects.ts';

/** A password has 72 bytes at most; the rest is what an editor may have added. */
const secretBytesMax = 4096;

const endOfText = 0x03;
const endOfTransmission = 0x04;
const backspaces: ReadonlySet<number> = new Set([0x08, 0x7f]);
const lineEnds: ReadonlySet<number> = new Set([0x0a, 0x0d]);

/** The first line. */
const lineOf = (bytes: Buffer): string => bytes.toString('utf8').replace(/\r?\n[\s\S]*$/, '');

/** The secret in a file that others cannot read; `-` is standard input. */
export const secretFromFile = async (path: string): Promise<string> => {
  if (path !== '-') return lineOf(readPrivateFile(path, secretBytesMax, systemEffects.files));
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    const part = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    chunks.push(part);
    bytes += part.length;
    if (bytes > secretBytesMax) break;
  }
  return lineOf(Buffer.concat(chunks));
};

/** Whether a person sits there. */
export const canAsk = (): boolean => process.stdin.isTTY && process.stderr.isTTY;

/**
 * Asks on the terminal, one question after the other; nothing of what is typed appears, also not
 * what is typed ahead. @throws CodedError `usage` at Ctrl-C
 */
export const secretsFromTerminal = async (
  questions: readonly string[],
): Promise<readonly string[]> => {
  const { stdin, stderr } = process;
  stdin.setRawMode(true);
  try {
    return await typedLines(questions, (text) => stderr.write(text));
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
  }
};

/** Lines as they are typed, less what was taken back. */
const typedLines = (
  questions: readonly string[],
  show: (text: string) => void,
): Promise<readonly string[]> =>
  new Promise((resolve, reject) => {
    const { stdin } = process;
    const lines: string[] = [];
    let typed: number[] = [];
    const finish = (settle: () => void): void => {
      stdin.off('data', onData);
      settle();
    };
    const endLine = (): void => {
      lines.push(Buffer.from(typed).toString('utf8'));
      typed = [];
      show(`\n${questions[lines.length] ?? ''}`);
      if (lines.length === questions.length) finish(() => resolve(lines));
    };
    const onData = (chunk: Buffer): void => {
      for (const byte of chunk) {
        if (lines.length === questions.length) return;
        if (byte === endOfText) {
          show('\n');
          finish(() => reject(new CodedError('usage', 'given up; nothing was changed')));
          return;
        }
        if (lineEnds.has(byte) || byte === endOfTransmission) endLine();
        else if (backspaces.has(byte)) typed = withoutLast(typed);
        else if (typed.length < secretBytesMax) typed.push(byte);
      }
    };
    stdin.on('data', onData);
    stdin.resume();
    show(questions[0] ?? '');
  });

/** Without the last character, which may have several bytes. */
const withoutLast = (bytes: readonly number[]): number[] => {
  const text = Array.from(Buffer.from(bytes).toString('utf8'));
  return [...Buffer.from(text.slice(0, -1).join(''))];
};
