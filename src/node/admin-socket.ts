// The node's own socket, `<data>/admin.sock`: a Unix socket in a folder that only its owner enters,
// itself 0600. Commands of this machine ask here what no network may ask.
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { CodedError } from '#errors.ts';
import type { FileSystem } from '#io/file-system.ts';
import { Seam } from '#process/seam.ts';
import type { Logger } from './logger.ts';
import { type AdminFailure, adminFrameBytesMax, adminSocketName } from './seams/admin-seam.ts';

/** Commands that run at the same time; each is one connection. */
const connectionsMax = 16;

/** Longest path that a Unix socket can have on Linux (sockaddr_un, 108 with the final zero). */
const pathBytesMax = 107;

/** What the socket's mode 0600 leaves out. */
const othersAndExecute = 0o177;

/** An open socket. */
export interface AdminSocket {
  close(): Promise<void>;
}

/** An error as a command prints it. */
export const adminFailure = (error: unknown): AdminFailure => ({
  kind: 'failed',
  code: error instanceof CodedError ? error.code : 'internal',
  message: error instanceof Error ? error.message : String(error),
  hint: error instanceof CodedError ? (error.details.hint ?? '') : '',
});

/** Opens it; `serve` gives each connection its methods and hears when it ends. */
export const openAdminSocket = async (
  dataFolder: string,
  files: FileSystem,
  log: Logger,
  serve: (seam: Seam) => { readonly closed: () => void },
): Promise<AdminSocket | undefined> => {
  const path = join(dataFolder, adminSocketName);
  if (Buffer.byteLength(path) > pathBytesMax) {
    log.warn({ path }, 'the path is too long for a socket: admit and remove cannot be used here');
    return undefined;
  }
  // What an earlier run left behind; the data folder is locked by now, so nobody listens on it.
  if (files.status(path) !== undefined) files.remove(path);
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    const seam = new Seam(socket, {
      frameBytesMax: adminFrameBytesMax,
      onClose: () => served.closed(),
    });
    const served = serve(seam);
  });
  server.maxConnections = connectionsMax;
  await listening(server, path);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
};

const listening = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new CodedError('storage_failed', `${path} cannot be listened on`, { cause }));
    });
    // Binding happens within `listen`, so the socket never exists with a wider mode.
    const before = process.umask(othersAndExecute);
    server.listen(path, resolve);
    process.umask(before);
  });
