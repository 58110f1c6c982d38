// `csr` and `sign`: the key stays where it was made, only the request and the certificate travel.

import { CodedError } from '#errors.ts';
import { trustText } from './authority-folder.ts';
import type { Command, Typed } from './command.ts';
import { issuedReport } from './command-issue.ts';
import { usageError } from './command-line.ts';
import { publicMode, secretMode } from './files.ts';
import { authorityKindOf, holderFrom, holderText } from './holder.ts';
import { issueFor } from './issuing.ts';
import { publicKeyFrom, publicKeyPinOf } from './key-pair.ts';
import { createLeafFiles, defaultFolder, leafPaths, refuseExistingLeaf } from './leaf-files.ts';
import {
  authorityFolderFrom,
  authorityOption,
  clusterFrom,
  clusterOption,
  daysFrom,
  daysOption,
  hostOption,
  outOption,
  passphraseFrom,
  passphraseOption,
} from './options.ts';
import { createRequest, judgeRequest } from './request.ts';
import { fields } from './show.ts';

const required = <Value>(value: Value | undefined, option: string, { command }: Typed): Value => {
  if (value !== undefined) return value;
  throw usageError(`--${option} is missing`, command);
};

/** A key and a request for it, on the machine that will use them. */
export const csr: Command = {
  name: 'csr',
  parameters: 'HOLDER --cluster ID',
  summary:
    'make a key and a certificate request for it, here; HOLDER is node:NAME, user:NAME or https:HOST',
  example: 'csr node:n2 --cluster 0123456789abcdef0123456789abcdef --host n2.example.com',
  failure: 'no request was made',
  words: { min: 1, max: 1 },
  options: {
    cluster: clusterOption,
    host: { ...hostOption, help: 'host to ask for; repeat for more' },
    key: { type: 'string', value: 'FILE', help: 'use this key instead of making one' },
    out: outOption,
  },
  run: (typed, machine) => {
    const holder = holderFrom(typed.words[0] ?? '');
    const cluster = required(clusterFrom(typed), 'cluster', typed);
    const out = typed.text('out') ?? defaultFolder(holder);
    const paths = leafPaths(out, holder);
    const keyFile = typed.text('key');
    const { request, key } = createRequest({
      cluster,
      holder,
      hosts: typed.texts('host'),
      ...(keyFile === undefined ? {} : { key: machine.files.readSecret(keyFile) }),
    });
    machine.files.makeFolder(out);
    machine.files.createAll([
      ...(keyFile === undefined ? [{ path: paths.key, text: key, mode: secretMode }] : []),
      { path: paths.request, text: request, mode: publicMode },
    ]);
    const made = {
      holder: holderText(holder),
      request: paths.request,
      key: keyFile ?? paths.key,
      keyPin: publicKeyPinOf(publicKeyFrom(key)),
    };
    return {
      data: made,
      lines: fields(made.holder, { request: made.request, key: made.key, 'key pin': made.keyPin }),
      advice: [
        `next, where the CA is: \`stockade-certs sign ${[
          paths.request,
          `--as ${made.holder}`,
          ...typed.texts('host').map((host) => `--host ${host}`),
        ].join(' ')}\``,
      ],
    };
  },
};

/** A certificate for the key in a request. */
export const sign: Command = {
  name: 'sign',
  parameters: 'FILE --as HOLDER',
  summary:
    'issue for the key in a request; name and hosts are yours to give, none is taken from the request',
  example: 'sign node.csr --as node:n2 --host n2.example.com --out certs/n2',
  failure: 'no certificate was issued',
  words: { min: 1, max: 1 },
  options: {
    as: { type: 'string', value: 'HOLDER', help: 'node:NAME, user:NAME or https:HOST' },
    host: { ...hostOption, help: 'host to certify; repeat for more' },
    days: daysOption('lifetime (default 365 ±10%, a user 30)'),
    authority: authorityOption,
    out: outOption,
    'passphrase-file': passphraseOption,
  },
  run: (typed, machine) => {
    const [file = ''] = typed.words;
    const holder = holderFrom(required(typed.text('as'), 'as', typed));
    const folder = authorityFolderFrom(typed, machine);
    const given = typed.texts('host');
    if (holder.kind === 'node' && given.length === 0)
      throw usageError('--host is missing', typed.command);
    if (holder.kind === 'user' && given.length > 0) {
      throw usageError('a user has no --host', typed.command);
    }
    const verdict = judgeRequest(machine.files.readText(file), holder, folder.cluster);
    if (verdict.kind === 'refused') {
      throw new CodedError(
        'certificate_invalid',
        `the request is refused (${verdict.reason}): ${verdict.why}`,
        { hint: 'ask its sender for a new one made with `stockade-certs csr`; compare key pins' },
      );
    }
    const out = typed.text('out') ?? defaultFolder(holder);
    const paths = leafPaths(out, holder);
    machine.files.makeFolder(out);
    refuseExistingLeaf(paths, false, machine);
    const issued = issueFor(
      holder,
      {
        hosts: holder.kind === 'https' ? [holder.name, ...given] : given,
        validDays: daysFrom(typed),
        publicKey: verdict.publicKey,
        passphrase: passphraseFrom(typed, machine),
      },
      folder,
      machine,
    );
    const trust = trustText(folder, authorityKindOf(holder), machine);
    const certified = issued.view.extensions.hosts;
    const ignored = verdict.hosts.filter((host) => !certified.includes(host));
    return issuedReport(holder, paths, issued, [
      ...createLeafFiles(paths, { ...issued, trust }, machine),
      ...(ignored.length === 0
        ? []
        : [`the request also asked for ${ignored.join(', ')}: not certified`]),
    ]);
  },
};
