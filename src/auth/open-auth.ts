// Authentication: who sent this request? Holds the users of the last good auth file; a proof that
// succeeded is remembered for a while, everything else goes through limiter and hasher. An unknown
// user costs the same time as a known one.
import { hash, timingSafeEqual } from 'node:crypto';
import { AttemptLimiter, sourceOf } from './attempt-limiter.ts';
import {
  type AuthFileRules,
  anonymousName,
  authFileFrom,
  type Credential,
  type FileUser,
} from './auth-file.ts';
import { basicCredentialsFrom } from './basic-credentials.ts';
import { Hasher, type HashVerdict } from './hasher.ts';
import { bcryptCostDefault, normalPassword, passwordFault } from './password.ts';
import { Principal } from './principal.ts';
import { SuccessCache } from './success-cache.ts';

/** How authentication is opened. */
export interface AuthOptions extends AuthFileRules {
  readonly path: string;
  /** Reads the auth file as text. */
  readonly readFile: (path: string) => Promise<string>;
  /** A monotonic clock, milliseconds. */
  readonly nowMs: () => number;
  /** At least 128 random bits as text, made by this process for itself. */
  readonly processKey: string;
}

/** What became of credentials. */
export type AuthDecision =
  | { readonly kind: 'principal'; readonly principal: Principal }
  /** Not valid; `reason` is for the log, the client is told nothing but that. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly user: string }
  /** Too many failures, or too many logins at once. */
  | { readonly kind: 'wait'; readonly seconds: number; readonly user: string };

/** What a reload changed, by user name; for the log. */
export interface AuthReload {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** A proof that is under way, and everybody who waits for it. */
interface Proof {
  readonly user: string;
  readonly address: string;
  readonly waiting: ((decision: AuthDecision) => void)[];
}

/** Seconds after which a login refused for load makes sense again. */
const busySeconds = 2;

/** Opens the auth file. @throws CodedError `auth_file_invalid`, or what `readFile` throws */
export const openAuth = async (options: AuthOptions): Promise<Auth> => {
  const auth = new Auth(options);
  await auth.reload();
  return auth;
};

/** Users and their proofs; made by {@link openAuth}. */
export class Auth {
  readonly #options: AuthOptions;
  readonly #limiter: AttemptLimiter;
  readonly #proved: SuccessCache<Principal>;
  readonly #hasher = new Hasher();
  readonly #proofs = new Map<string, Proof>();
  #users: ReadonlyMap<string, FileUser> = new Map();
  #principals: ReadonlyMap<string, Principal> = new Map();
  #credentials: readonly Credential[] = [];

  constructor(options: AuthOptions) {
    this.#options = options;
    this.#limiter = new AttemptLimiter(options.nowMs);
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

  /** The user whose header was proved a short while ago: the path of nearly every request. */
  remembered(header: string): Principal | undefined {
    return this.#proved.get(this.#proved.digestOf(header));
  }

  /** Proves a header that is not remembered. `done` is called once, perhaps before this returns. */
  prove(header: string, address: string, done: (decision: AuthDecision) => void): void {
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
      if (decision.kind === 'principal') this.#proved.set(digest, decision.principal);
      for (const waiting of proof.waiting) waiting(decision);
    });
  }

  /**
   * Reads the file again: all or nothing, the users of the last good file stay otherwise.
   *
   * @throws CodedError `auth_file_invalid`, or what `readFile` throws
   */
  async reload(): Promise<AuthReload> {
    const users = authFileFrom(await this.#options.readFile(this.#options.path), this.#options);
    const before = this.#users;
    this.#users = users;
    this.#principals = new Map(
      [...users.values()].map((user) => [user.name, new Principal(user.name, user.permissions)]),
    );
    this.#credentials = [...users.values()]
      .map((user) => user.credential)
      .filter((credential) => credential.kind !== 'none');
    this.#proved.clear();
    return {
      added: [...users.keys()].filter((name) => !before.has(name)),
      removed: [...before.keys()].filter((name) => !users.has(name)),
      changed: [...users.values()]
        .filter((user) => differs(before.get(user.name), user))
        .map((user) => user.name),
    };
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
    if (verdict === 'match' && principal !== undefined && sameCredential(proved, current)) {
      this.#limiter.succeeded(address, user);
      return { kind: 'principal', principal };
    }
    this.#limiter.failed(address, user);
    return { kind: 'rejected', reason: 'wrong user or password', user };
  }

  #compare(
    address: string,
    user: string,
    password: string,
    done: (verdict: HashVerdict, proved: Credential | undefined) => void,
  ): void {
    const known = user === anonymousName ? undefined : this.#users.get(user)?.credential;
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

const sameCredential = (left: Credential | undefined, right: Credential | undefined): boolean =>
  JSON.stringify(left) === JSON.stringify(right) && left !== undefined;

const differs = (before: FileUser | undefined, after: FileUser): boolean =>
  before !== undefined &&
  (!sameCredential(before.credential, after.credential) ||
    [...before.permissions].sort().join() !== [...after.permissions].sort().join());
