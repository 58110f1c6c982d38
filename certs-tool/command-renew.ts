// `renew`: a fresh certificate for the same holder and hosts, in the place of the old one. Needs
// the authority, no running cluster, and takes expired certificates too: it is the way back
// after all of them have expired.
import { join, resolve } from 'node:path';
import { CodedError } from '#errors.ts';
import { type AuthorityFolder, issuerOf } from './authority-folder.ts';
import type { Command, Machine, Report, Typed } from './command.ts';
import { usageError } from './command-line.ts';
import { publicMode, secretMode } from './files.ts';
import { GuardRefusal } from './guard-refusal.ts';
import { authorityKindOf, type Holder, holderOf, holderText } from './holder.ts';
import { revokedIn } from './inventory.ts';
import { issueFor } from './issuing.ts';
import {
  authorityFolderFrom,
  authorityOption,
  daysFrom,
  daysOption,
  passphraseFrom,
  passphraseOption,
} from './options.ts';
import { type CertificateView, certificateFrom } from './read-certificate.ts';
import { dateText, fields } from './show.ts';

/** The leaf certificates at a path: the file itself, or those in the folder. */
const leavesAt = (path: string, { files }: Machine): { path: string; view: CertificateView }[] => {
  const folder = files.stateOf(path)?.kind === 'folder';
  const paths = folder
    ? files
        .namesIn(path)
        .filter((name) => name.endsWith('.crt'))
        .map((name) => join(path, name))
    : [path];
  const found = paths
    .map((file) => ({ path: file, view: certificateFrom(files.readText(file)) }))
    .filter(({ view }) => !view.extensions.authority);
  if (found.length > 0) return found;
  throw new CodedError('config_invalid', `${path} holds no certificate to renew`, {
    hint: "name a holder's certificate or its folder; a CA is replaced with `stockade-certs rotate`",
  });
};

const holderIn = (
  path: string,
  view: CertificateView,
  folder: AuthorityFolder,
  machine: Machine,
): Holder => {
  const found = holderOf(view);
  const issuer = issuerOf(view, folder, machine);
  const ours =
    found !== undefined &&
    issuer?.kind === authorityKindOf(found.holder) &&
    (found.cluster ?? folder.cluster) === folder.cluster;
  if (!ours) {
    throw new CodedError('certificate_invalid', `${path} was not issued by ${folder.path}`, {
      hint: 'name the folder of the CA that issued it with --authority',
    });
  }
  if (revokedIn(folder, machine).some(({ serial }) => serial === view.serial)) {
    throw new GuardRefusal(
      `${path} is revoked`,
      'issue a new certificate under a new key with `stockade-certs node`, `https` or `client`',
    );
  }
  return found.holder;
};

/** A node keeps its key, which is on record in its cluster. Others get a new one by default. */
const keepsKey = (holder: Holder, typed: Typed): boolean =>
  typed.flag('reuse-key') || holder.kind === 'node';

const keyFileOf = (certificate: string): string => `${certificate.replace(/\.crt$/, '')}.key`;

/** A certificate that may be renewed, and how. */
interface Leaf {
  readonly path: string;
  readonly view: CertificateView;
  readonly holder: Holder;
  readonly keep: boolean;
  readonly keyFile: string;
}

const judged = (
  { path, view }: { path: string; view: CertificateView },
  folder: AuthorityFolder,
  typed: Typed,
  machine: Machine,
): Leaf => {
  const holder = holderIn(path, view, folder, machine);
  if (holder.kind === 'node' && typed.flag('new-key')) {
    throw new GuardRefusal(
      `the key of ${holderText(holder)} is on record in its cluster, which takes no other for it`,
      `leave --new-key out; for another key take the node out with \`stockade remove ${holder.name}\` and admit it anew`,
    );
  }
  const keep = keepsKey(holder, typed);
  const keyFile = keyFileOf(path);
  if (!keep && machine.files.stateOf(keyFile) === undefined) {
    throw new GuardRefusal(
      `the key of ${path} is not beside it, so it cannot be replaced`,
      'add --reuse-key to certify the key it has, or run `stockade-certs csr` where the key is',
    );
  }
  return { path, view, holder, keep, keyFile };
};

/** The leaves of all words, each once. */
const leavesOf = (words: readonly string[], machine: Machine) => [
  ...new Map(
    words.flatMap((word) => leavesAt(word, machine)).map((leaf) => [resolve(leaf.path), leaf]),
  ).values(),
];

const run = (typed: Typed, machine: Machine): Report => {
  if (typed.flag('reuse-key') && typed.flag('new-key')) {
    throw usageError('--reuse-key and --new-key exclude each other', typed.command);
  }
  const folder = authorityFolderFrom(typed, machine);
  const passphrase = passphraseFrom(typed, machine);
  const validDays = daysFrom(typed);
  // All are judged before one is issued, and all issued before a file is touched.
  const leaves = leavesOf(typed.words, machine).map((leaf) => judged(leaf, folder, typed, machine));
  const issued = leaves.map((leaf) => {
    const { holder, view, keep } = leaf;
    const spki = view.certificate.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const publicKey = keep ? spki : undefined;
    const wish = { hosts: view.extensions.hosts, validDays, publicKey, passphrase };
    return { leaf, ...issueFor(holder, wish, folder, machine) };
  });
  // Key first: with a crash between the two, the certificate still says whom to renew for.
  machine.files.replaceAll(
    issued.flatMap(({ leaf, key, certificate }) => [
      ...(key === undefined ? [] : [{ path: leaf.keyFile, text: key, mode: secretMode }]),
      { path: leaf.path, text: certificate, mode: publicMode },
    ]),
  );
  const renewed = issued.map(({ leaf, view, keyPin }) => ({
    holder: holderText(leaf.holder),
    certificate: leaf.path,
    key: leaf.keep ? 'kept' : leaf.keyFile,
    serial: view.serial,
    keyPin,
    notAfter: view.notAfter,
  }));
  return {
    data: renewed,
    lines: renewed.flatMap((one) =>
      fields(one.holder, {
        certificate: one.certificate,
        key: one.key === 'kept' ? 'kept' : `${one.key} (new)`,
        serial: one.serial,
        'key pin': one.keyPin,
        'valid until': dateText(one.notAfter),
      }),
    ),
  };
};

/** Renews certificates in their place. */
export const renew: Command = {
  name: 'renew',
  parameters: 'FILE|DIR ...',
  summary:
    'put a fresh certificate for the same holder in the place of the old one, expired or not',
  example: 'renew certs/n1',
  failure: 'nothing was renewed',
  words: { min: 1, max: 1000 },
  options: {
    'reuse-key': {
      type: 'boolean',
      help: 'certify the same key again (a node: always)',
    },
    'new-key': { type: 'boolean', help: 'make a new key (HTTPS servers and users: the default)' },
    days: daysOption('lifetime (default 365 ±10%, a user 30)'),
    authority: authorityOption,
    'passphrase-file': passphraseOption,
  },
  run,
};
