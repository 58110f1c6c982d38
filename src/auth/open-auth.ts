// Authentication: who sent this request? Holds the users of the last good auth file; a proof that
// succeeded is remembered for a while, everything else goes through limiter and hasher. An unknown
// user costs the same time as a known one.
import { hash, timingSafeEqual } from 'node:crypto';
import { AttemptLimiter, sourceOf } from './attempt-limiter.ts';
import { authFileFrom } from './auth-file.ts';
import { type AuthReload, authReloadOf, sameCredential } from './auth-reload.ts';
import { basicCredentialsFrom } from './basic-credentials.ts';
import { bearerTokenFrom, type FileToken, isBearer, isToken } from './bearer-token.ts';
import { type AuthFileRules, anonymousName, type Credential, type FileUser } from './file-user.ts';
import { Hasher, type HashVerdict } from './hasher.ts';
import type { Login } from './login.ts';
import { bcryptCostDefault, normalPassword, passwordFault } from './password.ts';
import { Principal } from './principal.ts';
import { SuccessCache } from './success-cache.ts';

/** How authentication is opened. */
export interface AuthOptions extends AuthFileRules {
  /** The text of the auth file as it is now. */
  readonly readText: () => string;
  /** A monotonic clock, milliseconds. */
  readonly nowMs: () => number;
  /** The wall clock, milliseconds since 1970: tokens end by it. */
  readonly wallMs: () => number;
  /** At least 128 random bits as text, made by this process for itself. */
  readonly processKey: string;
}

/** What became of credentials. */
export type AuthDecision =
  | { readonly kind: 'proved'; readonly login: Login }
  /** Not valid; `reason` is for the log, the client is told nothing but that. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly user: string }
  /** Too many failures, or too many logins at once. */
  | { readonly kind: 'wait'; readonly seconds: number; readonly user: string };

/** A token of the file and whose it is. */
interface OwnedToken {
  readonly token: FileToken;
  readonly user: string;
  /** The user, as far as the token goes. */
  readonly principal: Principal;
}

/** A proof that is under way, and everybody who waits for it. */
interface Proof {
  readonly user: string;
  readonly address: string;
  readonly waiting: ((decision: AuthDecision) => void)[];
}

/** Seconds after which a login refused for load makes sense again. */
const busySeconds = 2;

/** Opens the auth file. @throws CodedError `auth_file_invalid` */
export const openAuth = (options: AuthOptions): Auth => {
  const auth = new Auth(options);
  auth.reload();
  return auth;
};

/** The tokens of a user of the file, each with the user that it makes of who shows it. */
const ownedTokensOf = (user: FileUser): readonly OwnedToken[] => {
  const whole = new Principal(user.name, user);
  return user.tokens.map((token) => ({
    token,
    user: user.name,
    principal:
      token.permissions === undefined ? whole : whole.narrowedTo(new Set(token.permissions)),
  }));
};

/** Users and their proofs; made by {@link openAuth}. */
export class Auth {
  readonly #options: AuthOptions;
  readonly #limiter: AttemptLimiter;
  readonly #proved: SuccessCache<Login>;
  readonly #hasher: Hasher;
  readonly #proofs = new Map<string, Proof>();
  #users: ReadonlyMap<string, FileUser> = new Map();
  #principals: ReadonlyMap<string, Principal> = new Map();
  #credentials: readonly Credential[] = [];
  #tokens: ReadonlyMap<string, OwnedToken> = new Map();

  constructor(options: AuthOptions) {
    this.#options = options;
    this.#limiter = new AttemptLimiter(options.nowMs);
    this.#hasher = new Hasher((source) => this.#limiter.hasFailed(source));
    this.#proved = new SuccessCache(options.processKey, options.nowMs);
  }

  /** Who asks without credentials: the user `*` of the file, or undefined. */
  get anonymous(): Principal | undefined {
    return this.#principals.get(anonymousName);
  }

  /** The user of this name under the file in force; for requests that another node vouches for. */
  principal(name: string): Principal | undefined {
    return name === anonymousName ? undefined : this.#principals.get(name);
  }

  /**
   * Who a header names, where that is known without a hash: a password that was proved a short
   * while ago, the path of nearly every request, or a token.
   */
  remembered(header: string, address: string): Login | undefined {
    if (isBearer(header)) {
      const decision = this.#byToken(header, address);
      return decision.kind === 'proved' ? decision.login : undefined;
    }
    const login = this.#proved.get(this.#proved.digestOf(header));
    // From elsewhere it takes as long as a wrong password does.
    return login?.principal.mayComeFrom(address) === true ? login : undefined;
  }

  /** Proves a header that is not remembered. `done` is called once, perhaps before this returns. */
  prove(header: string, address: string, done: (decision: AuthDecision) => void): void {
    if (isBearer(header)) {
      done(this.#byToken(header, address));
      return;
    }
    const digest = this.#proved.digestOf(header);
    const pending = this.#proofs.get(digest);
    if (pending !== undefined && pending.address === address) {
      pending.waiting.push(done);
      return;
    }
    const read = basicCredentialsFrom(header);
    if (read.kind === 'malformed') {
      done({ kind: 'rejected', reason: read.reason, user: '' });
      return;
    }
    const { user, password } = read;
    const fault = passwordFault(password);
    if (fault !== undefined) {
      done({ kind: 'rejected', reason: `no password: ${fault}`, user });
      return;
    }
    const waitMs = this.#limiter.waitMs(address, user);
    if (waitMs > 0) {
      done({ kind: 'wait', seconds: Math.ceil(waitMs / 1000), user });
      return;
    }
    const proof: Proof = { user, address, waiting: [done] };
    this.#proofs.set(digest, proof);
    this.#compare(address, user, normalPassword(password), (verdict, proved) => {
      if (this.#proofs.get(digest) === proof) this.#proofs.delete(digest);
      const decision = this.#decide(proof, verdict, proved);
      if (decision.kind === 'proved') this.#proved.set(digest, decision.login);
      for (const waiting of proof.waiting) waiting(decision);
    });
  }

  /**
   * Reads the file again: all or nothing, the users of the last good file stay otherwise.
   *
   * @throws CodedError `auth_file_invalid`
   */
  reload(): AuthReload {
    const users = authFileFrom(this.#options.readText(), this.#options);
    const reload = authReloadOf(this.#users, users);
    this.#users = users;
    this.#principals = new Map(
      [...users.values()].map((user) => [user.name, new Principal(user.name, user)]),
    );
    this.#credentials = [...users.values()]
      .map((user) => user.credential)
      .filter((credential) => credential.kind !== 'none');
    this.#tokens = new Map(
      [...users.values()].flatMap((user) =>
        ownedTokensOf(user).map((owned) => [owned.token.id, owned]),
      ),
    );
    this.#proved.clear();
    return reload;
  }

  /** Ends the hasher thread; nothing is proved afterwards. */
  async close(): Promise<void> {
    await this.#hasher.close();
  }

  #decide(proof: Proof, verdict: HashVerdict, proved: Credential | undefined): AuthDecision {
    const { user, address } = proof;
    if (verdict === 'busy' || verdict === 'failed') {
      return { kind: 'wait', seconds: busySeconds, user };
    }
    const principal = this.principal(user);
    // A reload may have come between: the password counts only if it is still this user's.
    const current = this.#users.get(user)?.credential;
    const right = verdict === 'match' && sameCredential(proved, current);
    if (right && principal?.mayComeFrom(address) === true) {
      this.#limiter.succeeded(address, user);
      return { kind: 'proved', login: { principal, by: 'password', tokenId: '' } };
    }
    this.#limiter.failed(address, user);
    const reason = right ? 'not from this address' : 'wrong user or password';
    return { kind: 'rejected', reason, user };
  }

  /** Failures are not counted: nobody guesses 256 bits, and a client may go on with an old one. */
  #byToken(header: string, address: string): AuthDecision {
    const read = bearerTokenFrom(header);
    const owned = read === undefined ? undefined : this.#tokens.get(read.id);
    if (read === undefined || owned === undefined || !isToken(read.token, owned.token)) {
      return { kind: 'rejected', reason: 'no such token', user: '' };
    }
    const { token, user, principal } = owned;
    if (this.#options.wallMs() >= token.expiresMs) {
      return { kind: 'rejected', reason: 'the token has expired', user };
    }
    if (!principal.mayComeFrom(address)) {
      return { kind: 'rejected', reason: 'not from this address', user };
    }
    return { kind: 'proved', login: { principal, by: 'token', tokenId: token.id } };
  }

  #compare(
    address: string,
    user: string,
    password: string,
    done: (verdict: HashVerdict, proved: Credential | undefined) => void,
  ): void {
    const listed = user === anonymousName ? undefined : this.#users.get(user)?.credential;
    // Who has no password costs as much as who is not there.
    const known = listed?.kind === 'none' ? undefined : listed;
    const credential = known ?? this.#credentialForUnknown(user);
    if (credential.kind === 'bcrypt') {
      this.#hasher.compare(sourceOf(address), password, credential.hash, (verdict) =>
        done(verdict, known),
      );
      return;
    }
    const expected = credential.kind === 'plaintext' ? normalPassword(credential.password) : '';
    const matches = timingSafeEqual(this.#digest(password), this.#digest(expected));
    setImmediate(done, matches ? 'match' : 'mismatch', known);
  }

  /**
   * A stand-in that takes as long as a real user's: of the file's credentials one is chosen by the
   * name, always the same for the same name, so that costs do not tell known users from unknown.
   */
  #credentialForUnknown(user: string): Credential {
    const digest = this.#digest(user);
    const real = this.#credentials[digest.readUInt32LE(0) % Math.max(1, this.#credentials.length)];
    if (real?.kind === 'plaintext') return { kind: 'plaintext', password: digest.toString('hex') };
    const cost = real?.kind === 'bcrypt' ? real.cost : bcryptCostDefault;
    return { kind: 'bcrypt', cost, hash: `$2b$${cost}$${'.'.repeat(53)}` };
  }

  #digest(text: string): Buffer {
    return hash('sha256', this.#options.processKey + text, 'buffer');
  }
}
