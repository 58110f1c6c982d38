// Everything about a node that can be known before it starts, one line each. The start itself
// refuses what is wrong here; this only says all of it at once, and what will be wrong soon.
import { join } from 'node:path';
import { anonymousPermissionsDefault, authFileFrom } from '#auth/auth-file.ts';
import type { FileUser } from '#auth/file-user.ts';
import { CodedError } from '#errors.ts';
import { ageOf, endText } from '#http/certificate-ends.ts';
import { requirePrivate } from '#io/private-path.ts';
import { type Address, addressText, type NodeConfig } from '#node/config.ts';
import type { FolderIdentity } from '#node/identity-file.ts';
import type { NodeEffects } from '#node/node-effects.ts';
import { readIdentity, readPrivateText } from '#node/node-files.ts';
import { requireLog } from '#node/store-memory.ts';
import { openHttpsMaterial, openPeerMaterial } from '#node/tls-material.ts';
import { describeStore } from '#store/open-store.ts';
import { readStoreSettings } from '#store/store-settings.ts';
import { endsOfHttps, endsOfPeer, type FileEnd } from '#tls/certificate-ends.ts';
import { refuseAuthorityKeys } from './authority-keys.ts';
import { refuseWeakening } from './environment.ts';

/** One line: what was looked at and what came of it. */
export interface CheckLine {
  readonly what: string;
  /** `soon`: it works today. */
  readonly state: 'ok' | 'soon' | 'wrong';
  readonly detail: string;
  /** What to do; empty when nothing is. */
  readonly hint: string;
}

/** What the lines say, and what the posture is made of. */
export interface Checked {
  readonly lines: readonly CheckLine[];
  /** Undefined when the auth file is wrong. */
  readonly users: ReadonlyMap<string, FileUser> | undefined;
}

/** What the check is made with. */
export interface CheckOptions {
  readonly config: NodeConfig;
  readonly effects: NodeEffects;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The node itself runs: its ports are taken, by itself. */
  readonly isRunning: boolean;
  /** Why nothing can listen there; undefined: it can. */
  readonly portProblem: (address: Address) => Promise<string | undefined>;
}

interface Looked<T> {
  readonly line: CheckLine;
  readonly value: T | undefined;
}

/** Looks at one thing; what it throws is a line. */
const lookAt = <T>(what: string, look: () => T, detailOf: (value: T) => string): Looked<T> => {
  try {
    const value = look();
    return { value, line: { what, state: 'ok', detail: detailOf(value), hint: '' } };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const hint = error.details.hint ?? '';
    return { value: undefined, line: { what, state: 'wrong', detail: error.message, hint } };
  }
};

const endLine = (end: FileEnd, nowMs: number): CheckLine => {
  const isGood = ageOf(end, nowMs) === 'good';
  return {
    what: 'certificate end',
    state: isGood ? 'ok' : 'soon',
    detail: endText(end, nowMs),
    hint: isGood ? '' : 'Renew it with `stockade-certs renew`; a CA with `stockade-certs rotate`.',
  };
};

const portLines = async ({
  config,
  isRunning,
  portProblem,
}: CheckOptions): Promise<readonly CheckLine[]> => {
  const listeners = [
    ['http.listen', config.http.listen],
    ['peer.listen', config.peer.listen],
    ['join.listen', config.join.listen],
  ] as const;
  return Promise.all(
    listeners.map(async ([what, address]): Promise<CheckLine> => {
      const place = addressText(address);
      if (isRunning) return { what, state: 'ok', detail: `${place}: this node runs`, hint: '' };
      const problem = await portProblem(address);
      if (problem === undefined) return { what, state: 'ok', detail: `${place} is free`, hint: '' };
      const hint = 'Stop the program that has it, or set another address of this machine.';
      return { what, state: 'wrong', detail: `${place}: ${problem}`, hint };
    }),
  );
};

const dataFolder = (config: NodeConfig, { files }: NodeEffects): FolderIdentity => {
  const { name, data } = config.node;
  const identity = readIdentity(data, name, files);
  for (const folder of ['raft', 'db']) {
    const path = join(data, folder);
    const status = files.status(path);
    if (status !== undefined) requirePrivate(path, status);
  }
  requireLog(data, identity, files);
  return identity;
};

const storeFileOf = ({ restore }: NodeConfig): string | undefined =>
  restore?.from.kind === 'store' ? restore.from.storeFile : undefined;

/** Looks at everything; nothing is changed. */
export const checkNode = async (options: CheckOptions): Promise<Checked> => {
  const { config, effects, environment } = options;
  const { files, clock } = effects;
  const nowMs = clock.wallMs();
  const data = lookAt(
    'data folder',
    () => dataFolder(config, effects),
    ({ name, cluster }) => `node ${name} of cluster ${cluster}`,
  );
  const identity = data.value;
  const peer =
    identity === undefined
      ? undefined
      : lookAt(
          'peer certificate',
          () => openPeerMaterial(config.peer, identity, effects).current(),
          () => 'chain, dates, name, purposes and key belong together; the key is private',
        );
  const https = lookAt(
    'HTTPS certificate',
    () => openHttpsMaterial(config.http, effects).current(),
    () => 'chain, dates, host names and key belong together; the key is private',
  );
  const rules = { plaintextPasswords: false, anonymousPermissions: anonymousPermissionsDefault };
  const auth = lookAt(
    'auth file',
    () => authFileFrom(readPrivateText(config.auth.file, files), rules),
    (users) => `${users.size} users, passwords as bcrypt hashes; the file is private`,
  );
  const ends = [
    ...(peer?.value === undefined ? [] : endsOfPeer(peer.value)),
    ...(https.value === undefined ? [] : endsOfHttps(https.value)),
  ];
  const keys = lookAt(
    'CA keys',
    () => refuseAuthorityKeys(config, files),
    () => 'none beside the certificates of this node',
  );
  const process = lookAt(
    'environment',
    () => refuseWeakening(environment),
    () => 'nothing in it weakens a node',
  );
  const stores = [config.backup?.storeFile, storeFileOf(config)].flatMap((path) =>
    path === undefined
      ? []
      : [
          lookAt(
            'store of backups',
            () => readStoreSettings(path, environment, files),
            (settings) => `${describeStore(settings)}; the file is private`,
          ),
        ],
  );
  const time: CheckLine = {
    what: 'clock',
    state: 'ok',
    detail: `${new Date(nowMs).toISOString()}: compare it with another machine`,
    hint: '',
  };
  return {
    users: auth.value,
    lines: [
      ...[data, ...(peer === undefined ? [] : [peer]), https].map(({ line }) => line),
      ...ends.map((end) => endLine(end, nowMs)),
      ...[keys, auth, process, ...stores].map(({ line }) => line),
      ...(await portLines(options)),
      time,
    ],
  };
};
