// The signer: opens grants at the node of this machine, prints the line for each newcomer, signs as
// they come, and ends when all are members or the time is up. It holds the CA's key; the node asks
// it over the node's own socket.
import { randomBytes } from 'node:crypto';
import type { AuthorityFolder } from '#certs-tool/authority-folder.ts';
import { say } from '#cli/progress.ts';
import type { StopRequest } from '#cli/stop-request.ts';
import { grantKeyFrom } from '#cluster/grant-key.ts';
import { tokenText } from '#cluster/token.ts';
import { CodedError } from '#errors.ts';
import type { NodeName } from '#identity/node-name.ts';
import {
  type AdminMember,
  adminGrant,
  adminSignFor,
  adminStatus,
  type SignedCertificates,
  type SignRequest,
  signCertificates,
} from '#node/seams/admin-seam.ts';
import { type AdminClient, openAdminClient } from './admin-client.ts';
import { authorityPin, requireKeys, requireSettled, signNewcomer } from './authority.ts';
import { confirmed } from './confirmed.ts';
import type { Passphrase } from './passphrase.ts';

const seedBytes = 32;
const lookEveryMs = 300;

/** Whom to let in, and how. */
export interface Admittance {
  /** The data folder of the node of this machine. */
  readonly data: string;
  readonly authority: AuthorityFolder;
  readonly names: readonly NodeName[];
  readonly readReplica: boolean;
  readonly ttlMs: number;
  /** Asks the person at the terminal to compare words before each signature. */
  readonly confirm: boolean;
  /** Opens CA keys that are sealed. */
  readonly passphrase: Passphrase | undefined;
  readonly stop: StopRequest;
}

/**
 * Resolves to the names that did not join in time: none when all did.
 *
 * @throws CodedError what the node refused, `unreachable` when it does not run
 */
export const admitNewcomers = async (options: Admittance): Promise<readonly string[]> => {
  const { data, authority, names, passphrase } = options;
  requireSettled(authority);
  requireKeys(authority, passphrase);
  const signer = new Signer(options);
  let client = await openAdminClient(data);
  try {
    await requireSameCluster(client, authority);
    const expiresMs = await openGrants(client, signer, options);
    const left = new Set<string>(names);
    while (left.size > 0 && !options.stop.isAsked() && Date.now() < expiresMs) {
      await Promise.race([pause(), options.stop.asked]);
      client = await lineTo(client, signer, options);
      for (const member of await membersOf(client)) {
        if (!isThere(member) || !left.delete(member.name)) continue;
        say(`${member.name} is a member (${member.role})`);
      }
    }
    return [...left];
  } finally {
    client.close();
  }
};

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, lookEveryMs));

/** It votes, or will never have to, and this node hears it. */
const isThere = ({ role, up }: AdminMember): boolean => up && role !== 'learner';

const requireSameCluster = async (
  client: AdminClient,
  authority: AuthorityFolder,
): Promise<void> => {
  const { cluster } = await client.ask(adminStatus, undefined);
  if (cluster === authority.cluster) return;
  throw new CodedError(
    'config_invalid',
    `the authority in ${authority.path} is of cluster ${authority.cluster}, this node is of ${cluster}`,
    { hint: "Name the authority folder of this node's cluster with --authority DIR." },
  );
};

/** Opens the grants and prints the lines; gives the moment when they end. */
const openGrants = async (
  client: AdminClient,
  signer: Signer,
  { names, authority, ttlMs, readReplica }: Admittance,
): Promise<number> => {
  const seeds = names.map((name) => ({ name, seed: randomBytes(seedBytes) }));
  signer.serve(client);
  const { expiresMs, address } = await client.ask(adminGrant, {
    ttlMs,
    grants: seeds.map(({ name, seed }) => ({
      name,
      publicKey: grantKeyFrom(seed).publicKey,
      readReplica,
    })),
  });
  const caPin = authorityPin(authority);
  for (const { name, seed } of seeds) {
    const { cluster } = authority;
    const token = tokenText({ name, cluster, caPin, seed, expiresMs, addresses: [address] });
    process.stdout.write(`stockade join ${token}\n`);
  }
  say(
    `waiting for ${names.join(' and ')} until ${new Date(expiresMs).toISOString()}; ` +
      'paste each line on its machine, each works once',
  );
  return expiresMs;
};

/** The line to the node, opened anew when it was restarted. */
const lineTo = async (
  client: AdminClient,
  signer: Signer,
  { data, names }: Admittance,
): Promise<AdminClient> => {
  if (!client.seam.closed) return client;
  try {
    const again = await openAdminClient(data);
    signer.serve(again);
    await again.ask(adminSignFor, { names }).catch((error: unknown) => {
      again.close();
      throw error;
    });
    return again;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'unreachable') return client;
    throw error;
  }
};

const membersOf = async (client: AdminClient): Promise<readonly AdminMember[]> => {
  try {
    return (await client.ask(adminStatus, undefined)).members;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'unreachable') return [];
    throw error;
  }
};

/** Signs what the node asks for, one newcomer after the other. */
class Signer {
  readonly #options: Admittance;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: Admittance) {
    this.#options = options;
  }

  /** Answers over this line. */
  serve({ seam }: AdminClient): void {
    seam.serve(signCertificates, (wanted, reply) => {
      this.#turn = this.#turn.then(async () => {
        try {
          reply({ kind: 'done', value: await this.#sign(wanted) });
        } catch (error) {
          if (!(error instanceof CodedError)) throw error;
          say(`${wanted.name} from ${wanted.from} is refused: ${error.message}`);
          const { code, message, details } = error;
          reply({ kind: 'failed', code, message, hint: details.hint ?? '' });
        }
      });
    });
  }

  async #sign(wanted: SignRequest): Promise<SignedCertificates> {
    const { names, authority, confirm, passphrase } = this.#options;
    if (!names.some((name) => name === wanted.name)) {
      throw new CodedError('permission_denied', `nobody here signs for ${wanted.name}`);
    }
    say(`${wanted.name} asks to join from ${wanted.from}, as ${wanted.hosts.join(', ')}`);
    if (confirm) await confirmed(wanted);
    return signNewcomer(authority, wanted, passphrase);
  }
}
