// `node`, `https` and `client`: a new key and its certificate for one holder.

import { nodeNameFrom } from '#identity/node-name.ts';
import { userNameFrom } from '#identity/user-name.ts';
import { trustText } from './authority-folder.ts';
import type { Command, Machine, Report, Typed } from './command.ts';
import { usageError } from './command-line.ts';
import { authorityKindOf, type Holder, holderFrom, holderText } from './holder.ts';
import { type IssuedFor, issueFor } from './issuing.ts';
import {
  createLeafFiles,
  defaultFolder,
  type LeafPaths,
  leafPaths,
  refuseExistingLeaf,
} from './leaf-files.ts';
import {
  authorityFolderFrom,
  authorityOption,
  daysFrom,
  daysOption,
  hostOption,
  outOption,
  passphraseFrom,
  passphraseOption,
} from './options.ts';
import { dateText, fields } from './show.ts';

/** What an issued certificate is reported as. */
export const issuedReport = (
  holder: Holder,
  paths: LeafPaths,
  { key, view, keyPin }: IssuedFor,
  advice: readonly string[] = [],
): Report => {
  const made = {
    holder: holderText(holder),
    certificate: paths.certificate,
    ...(key === undefined ? {} : { key: paths.key }),
    trust: paths.trust,
    serial: view.serial,
    keyPin,
    notAfter: view.notAfter,
  };
  return {
    data: made,
    lines: fields(made.holder, {
      certificate: made.certificate,
      key: made.key,
      trust: made.trust,
      serial: made.serial,
      'key pin': keyPin,
      'valid until': dateText(view.notAfter),
    }),
    advice,
  };
};

const issue = (holder: Holder, typed: Typed, machine: Machine): Report => {
  const validDays = daysFrom(typed);
  const folder = authorityFolderFrom(typed, machine);
  const out = typed.text('out') ?? defaultFolder(holder);
  const paths = leafPaths(out, holder);
  machine.files.makeFolder(out);
  refuseExistingLeaf(paths, true, machine);
  const issued = issueFor(
    holder,
    {
      hosts: typed.texts('host'),
      validDays,
      publicKey: undefined,
      passphrase: passphraseFrom(typed, machine),
    },
    folder,
    machine,
  );
  const trust = trustText(folder, authorityKindOf(holder), machine);
  const advice = createLeafFiles(paths, { ...issued, trust }, machine);
  return issuedReport(holder, paths, issued, advice);
};

const requiredHosts = (typed: Typed): readonly string[] => {
  const hosts = typed.texts('host');
  if (hosts.length === 0) throw usageError('--host is missing', typed.command);
  return hosts;
};

const options = {
  authority: authorityOption,
  out: outOption,
  'passphrase-file': passphraseOption,
} as const;

/** A node's certificate, from the peer CA. */
export const node: Command = {
  name: 'node',
  parameters: 'NAME --host HOST ...',
  summary: "make a node's key and certificate",
  example: 'node n1 --host n1.example.com --host 10.0.0.1',
  failure: 'no certificate was issued',
  words: { min: 1, max: 1 },
  options: { host: hostOption, days: daysOption('lifetime (default 365, ±10%)'), ...options },
  run: (typed, machine) => {
    requiredHosts(typed);
    return issue({ kind: 'node', name: nodeNameFrom(typed.words[0] ?? '') }, typed, machine);
  },
};

/** An HTTPS server's certificate, from the client CA. */
export const https: Command = {
  name: 'https',
  parameters: '--host HOST ...',
  summary: "make an HTTPS server's key and certificate",
  example: 'https --host n1.example.com --host 10.0.0.1 --out certs/n1',
  failure: 'no certificate was issued',
  words: { min: 0, max: 0 },
  options: {
    host: { ...hostOption, help: 'what clients type: DNS name or IP address; repeat for more' },
    days: daysOption('lifetime (default 365, ±10%)'),
    ...options,
    out: { ...outOption, help: 'where the files go (default certs/HOST, the first)' },
  },
  run: (typed, machine) =>
    issue(holderFrom(`https:${requiredHosts(typed)[0] ?? ''}`), typed, machine),
};

/** A user's certificate, from the client CA. */
export const client: Command = {
  name: 'client',
  parameters: 'USER',
  summary: "make a user's key and certificate",
  example: 'client ada --days 7',
  failure: 'no certificate was issued',
  words: { min: 1, max: 1 },
  options: { days: daysOption('lifetime (default 30, at most 90)'), ...options },
  run: (typed, machine) =>
    issue({ kind: 'user', name: userNameFrom(typed.words[0] ?? '') }, typed, machine),
};
