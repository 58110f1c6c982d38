// `verify`: whether what lies in a folder is what a server may start with.
import { createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import { CodedError } from '#errors.ts';
import type { Command, Machine, Report, Typed } from './command.ts';
import { holderOf, holderText } from './holder.ts';
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

const leafFinding = (
  path: string,
  trust: readonly CertificateView[],
  machine: Machine,
): Finding | undefined => {
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
      ...leafProblems(view, trust, machine.now()),
      ...keyProblems(`${path.replace(/\.crt$/, '')}.key`, view, machine),
    ],
  };
};

/**
 * CA certificates among the folder's files; what cannot be read is reported as a finding
 * elsewhere.
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
    .map((path) => leafFinding(path, trust, machine))
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
