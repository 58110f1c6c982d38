// Who uses which connection: so that connections end when a user is removed, gets another password,
// or a token is taken away, also while an answer is still on its way.
import type { Socket } from 'node:net';
import { type AuthReload, isTakenAway } from '#auth/auth-reload.ts';
import type { Login } from '#auth/login.ts';

/** Proofs on one connection (a pool of somebody else's may share it); with more it is ended. */
const loginsPerConnectionMax = 256;

/** The connections that somebody has proved to be somebody on. */
export class ConnectionLogins {
  readonly #onFirst: (socket: Socket) => void;
  readonly #logins = new Map<Socket, Login[]>();

  /** @param onFirst called at the first proof on a connection */
  constructor(onFirst: (socket: Socket) => void = () => undefined) {
    this.#onFirst = onFirst;
  }

  /** A request on this connection came with this proof; whether it is the first that did. */
  note(socket: Socket, login: Login): boolean {
    const known = this.#logins.get(socket);
    if (known === undefined) {
      this.#logins.set(socket, [login]);
      socket.once('close', () => this.#logins.delete(socket));
      this.#onFirst(socket);
      return true;
    }
    if (known.some((other) => isSame(other, login))) return false;
    known.push(login);
    if (known.length > loginsPerConnectionMax) socket.destroy();
    return true;
  }

  /** Ends the connections that rest on what a reload took away; how many. */
  cut(reload: AuthReload): number {
    let count = 0;
    for (const [socket, logins] of this.#logins) {
      if (!logins.some((login) => isTakenAway(login, reload))) continue;
      socket.destroy();
      count += 1;
    }
    return count;
  }
}

const isSame = (left: Login, right: Login): boolean =>
  left.principal.name === right.principal.name &&
  left.by === right.by &&
  left.tokenId === right.tokenId;
