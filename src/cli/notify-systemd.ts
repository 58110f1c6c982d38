// Tells systemd how a node stands (sd_notify), when systemd asked for it. Node.js has no datagram
// sockets of the UNIX family, so systemd's own command carries the word; a service then needs
// NotifyAccess=all, because the word comes from another process than the service's first.
import { spawn } from 'node:child_process';

const command = '/usr/bin/systemd-notify';

/** A command that hangs must not hold up a stop. */
const patienceMs = 5000;

/** Assignments as sd_notify(3) has them. */
export type Word = 'READY=1' | 'STOPPING=1' | 'WATCHDOG=1';

/**
 * Says it; resolves when systemd has it. Without `NOTIFY_SOCKET` nobody asked, and nothing is done.
 *
 * @param onFailed told what went wrong: a word that does not arrive is no reason to end
 */
export const notifySystemd = (
  word: Word,
  environment: Readonly<Record<string, string | undefined>>,
  onFailed: (reason: string) => void,
): Promise<void> => {
  const socket = environment['NOTIFY_SOCKET'];
  if (socket === undefined || socket === '') return Promise.resolve();
  return new Promise((resolve) => {
    const child = spawn(command, [word], {
      stdio: 'ignore',
      env: { NOTIFY_SOCKET: socket },
      timeout: patienceMs,
    });
    child.once('error', (error) => {
      onFailed(error.message);
      resolve();
    });
    child.once('exit', (code) => {
      if (code !== 0) onFailed(`${command} ended with ${code}`);
      resolve();
    });
  });
};
