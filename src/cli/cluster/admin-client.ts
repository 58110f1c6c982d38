// A command's line to the node of this machine: its own socket in the data folder.
import { connect } from 'node:net';
import { join, relative } from 'node:path';
import { CodedError, type ErrorCode, errorMeanings } from '#errors.ts';
import { systemErrorCode } from '#io/file-system.ts';
import { type AdminReply, adminFrameBytesMax, adminSocketName } from '#node/seams/admin-seam.ts';
import { type Method, Seam } from '#process/seam.ts';

/** An open line. */
export interface AdminClient {
  readonly seam: Seam;
  /** Resolves when the node ends the line, or `close` was called. */
  readonly closed: Promise<void>;
  /** @throws CodedError what the node refused, `unreachable` when it is gone */
  ask<Request, Value>(method: Method<Request, AdminReply<Value>>, request: Request): Promise<Value>;
  close(): void;
}

const notRunning = (folder: string, cause: unknown): CodedError =>
  new CodedError('unreachable', `the node of ${folder} does not run`, {
    cause,
    hint: `Start it (stockade run --config ...), or name its folder with --data DIR.`,
  });

/** @throws CodedError `unreachable` when no node runs there, `file_permissions` for others */
export const openAdminClient = (dataFolder: string): Promise<AdminClient> =>
  new Promise((resolve, reject) => {
    const path = join(dataFolder, adminSocketName);
    const short = relative(process.cwd(), path);
    const socket = connect(short.length < path.length ? short : path);
    socket.once('error', (error) => {
      reject(
        systemErrorCode(error) === 'EACCES'
          ? new CodedError('file_permissions', `${path} is another user's`, {
              hint: 'Run this as the user who runs the node.',
            })
          : notRunning(dataFolder, error),
      );
    });
    socket.once('connect', () => {
      let onClosed: () => void = () => undefined;
      const closed = new Promise<void>((done) => {
        onClosed = done;
      });
      const seam = new Seam(socket, {
        frameBytesMax: adminFrameBytesMax,
        onClose: () => onClosed(),
      });
      resolve({
        seam,
        closed,
        ask: (method, request) => ask(seam, dataFolder, method, request),
        close: () => seam.close(),
      });
    });
  });

const ask = async <Request, Value>(
  seam: Seam,
  folder: string,
  method: Method<Request, AdminReply<Value>>,
  request: Request,
): Promise<Value> => {
  const reply = await seam.ask(method, request).catch((error: unknown) => {
    throw notRunning(folder, error);
  });
  if (reply.kind === 'done') return reply.value;
  throw new CodedError(isErrorCode(reply.code) ? reply.code : 'internal', reply.message, {
    ...(reply.hint === '' ? {} : { hint: reply.hint }),
  });
};

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorMeanings, code);
