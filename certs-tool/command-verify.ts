// `verify`: whether what lies in a folder is what a server may start with.
import { createPrivateKey } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { CodedError } from '#errors.ts';
import type { Command, Machine, Report, Typed } from './command.ts';
import { type Holder, holderOf, holderText } from './holder.ts';
import { leafPaths } from './leaf-files.ts';
import { leafProblems, type Problem } from './leaf-problems.ts';
import { type CertificateView, certificatesFrom } from './read-certificate.ts';
import { isSealedKey } from './sealed-key.ts';

interface Finding {
  readonly path: string;
  readonly holder?: string;
  readonly problems: readonly Problem[];
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const keyProblems = (path: string, view: CertificateView, machine: Machine): readonly Problem[] => {
  const state = machine.files.stateOf(path);
  if (state === undefined) return [{ code: 'key_missing', why: `there is no ${path}` }];
  try {
    const key = createPrivateKey(machine.files.readSecret(path));
    return view.certificate.checkPrivateKey(key)
      ? []
      : [{ code: 'key_mismatch', why: `${path} is not its key` }];
  } catch (error) {
    const exposed = error instanceof CodedError && error.code === 'file_permissions';
    const odd = state.kind !== 'file';
    if (exposed || odd) {
      const why = odd ? `${path} is a link or no regular file` : reasonOf(error);
      return [{ code: 'key_exposed', why }];
    }
    return [{ code: 'unreadable', why: `${path} cannot be read as a key` }];
  }
};

/**
 * CA certificates in files; what cannot be read is reported as a finding elsewhere.
 */
const trustIn = (paths: readonly string[], { files }: Machine): readonly CertificateView[] =>
  paths.flatMap((path) => {
    try {
      return certificatesFrom(files.readText(path)).filter(
        ({ extensions }) => extensions.authority,
      );
    } catch {
      return [];
    }
  });

/** Names under which a server looks for a certificate, and of which kind it has to be. */
const places: Readonly<Record<string, Holder['kind']>> = {
  'node.crt': 'node',
  'peer.crt': 'node',
  'https.crt': 'https',
};

const placeProblems = (path: string, holder: Holder): readonly Problem[] => {
  const wanted = places[basename(path)];
  if (wanted === undefined || wanted === holder.kind) return [];
  const why = `a server looks here for a ${wanted} certificate, this is one of ${holderText(holder)}`;
  return [{ code: 'wrong_place', why }];
};

/** Judged by the trust file that the holder's kind goes by, whatever other CAs lie about. */
const judgedByTrust = (
  path: string,
  view: CertificateView,
  holder: Holder | undefined,
  machine: Machine,
): readonly Problem[] => {
  const now = machine.now();
  if (holder === undefined) return leafProblems(view, [], now);
  const { trust } = leafPaths(dirname(path), holder);
  const missing = machine.files.stateOf(trust) === undefined;
  const problems = leafProblems(view, missing ? [] : trustIn([trust], machine), now);
  return missing
    ? [
        ...problems.filter(({ code }) => code !== 'unknown_issuer'),
        { code: 'trust_missing', why: `there is no ${trust}, which is to hold its CA` },
      ]
    : problems;
};

const leafFinding = (path: string, machine: Machine): Finding | undefined => {
  let view: CertificateView | undefined;
  try {
    [view] = certificatesFrom(machine.files.readText(path));
  } catch (error) {
    return { path, problems: [{ code: 'unreadable', why: reasonOf(error) }] };
  }
  if (view === undefined || view.extensions.authority) return undefined;
  const holder = holderOf(view)?.holder;
  return {
    path,
    ...(holder === undefined ? {} : { holder: holderText(holder) }),
    problems: [
      ...judgedByTrust(path, view, holder, machine),
      ...(holder === undefined ? [] : placeProblems(path, holder)),
      ...keyProblems(`${path.replace(/\.crt$/, '')}.key`, view, machine),
    ],
  };
};

const holdsAuthorityKey = (
  path: string,
  trust: readonly CertificateView[],
  { files }: Machine,
): boolean => {
  try {
    const text = files.readText(path);
    if (isSealedKey(text)) return true;
    const key = createPrivateKey(text);
    return trust.some(({ certificate }) => certificate.checkPrivateKey(key));
  } catch {
    return false;
  }
};

const folderFinding = (
  path: string,
  names: readonly string[],
  trust: readonly CertificateView[],
  machine: Machine,
): Finding => {
  const mode = machine.files.stateOf(path)?.mode ?? 0;
  const exposed: Problem = { code: 'folder_exposed', why: 'others can change what is in it' };
  const keys = names
    .filter((name) => name.endsWith('.key'))
    .map((name) => join(path, name))
    .filter((key) => holdsAuthorityKey(key, trust, machine));
  return {
    path,
    problems: [
      ...((mode & 0o022) === 0 ? [] : [exposed]),
      ...keys.map((key) => ({
        code: 'authority_key_present' as const,
        why: `${key} is the key of a CA and does not belong on a server`,
      })),
    ],
  };
};

const run = (typed: Typed, machine: Machine): Report => {
  const [folder = ''] = typed.words;
  if (machine.files.stateOf(folder)?.kind !== 'folder') {
    throw new CodedError('config_invalid', `${folder} is not a folder`, {
      hint: 'name the folder that holds a certificate, its key and the CA',
    });
  }
  const names = machine.files.namesIn(folder);
  const paths = names.filter((name) => name.endsWith('.crt')).map((name) => join(folder, name));
  const trust = trustIn(paths, machine);
  const leaves = paths
    .map((path) => leafFinding(path, machine))
    .filter((finding) => finding !== undefined);
  if (leaves.length === 0) {
    throw new CodedError('config_invalid', `${folder} holds no certificate of a holder`, {
      hint: 'name the folder that holds a certificate, its key and the CA',
    });
  }
  const findings = [...leaves, folderFinding(folder, names, trust, machine)].filter(
    ({ holder, problems }) => holder !== undefined || problems.length > 0,
  );
  return {
    data: findings,
    lines: findings.flatMap(({ path, holder, problems }) => [
      [path, holder, problems.length === 0 ? 'in order' : undefined].filter(Boolean).join('  '),
      ...problems.map(({ code, why }) => `  ${code}: ${why}`),
    ]),
    exit: findings.some(({ problems }) => problems.length > 0) ? 1 : 0,
  };
};

/** Checks a folder as a server's start would. */
export const verify: Command = {
  name: 'verify',
  parameters: 'DIR',
  summary: 'check what a server would start with: chain, dates, names, purposes, keys, permissions',
  example: 'verify certs/n1',
  failure: 'nothing was checked',
  words: { min: 1, max: 1 },
  options: {},
  run,
};
