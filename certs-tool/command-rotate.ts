// `rotate`: replaces a CA in stages, one a call, and refuses a stage while somebody would be cut
// off.
import type { AuthorityKind } from './authority.ts';
import {
  type AuthorityFolder,
  keyPath,
  mendTrust,
  openAuthorityFolder,
  saveState,
  signingAuthority,
  stateOf,
  trustPath,
} from './authority-folder.ts';
import type { Command, Machine, Report, Typed } from './command.ts';
import { usageError } from './command-line.ts';
import { whileLocked } from './folder-lock.ts';
import { newGeneration, placeGeneration } from './generation.ts';
import { GuardRefusal } from './guard-refusal.ts';
import { holderFrom, holderText } from './holder.ts';
import {
  authorityFolderFrom,
  authorityOption,
  authorityPath,
  daysFrom,
  daysOption,
  kindFrom,
  kindOption,
  passphraseFrom,
  passphraseOption,
} from './options.ts';
import { listPath, writeLists } from './revoking.ts';
import { holdersInForce, missingFor, stageOf } from './rotation.ts';
import { isSealedKey } from './sealed-key.ts';
import { fields } from './show.ts';

const statusOf = (folder: AuthorityFolder, kind: AuthorityKind, machine: Machine) => {
  const state = stateOf(folder, kind);
  return {
    kind,
    stage: stageOf(state),
    issuing: state.issuing,
    trusted: state.trusted,
    holders: holdersInForce(folder, kind, machine).map(({ holder, generation }) => ({
      holder,
      generation,
    })),
  };
};

/** Keys of generations that sign no more, as far as their files are still there. */
const retiredKeys = (
  folder: AuthorityFolder,
  kind: AuthorityKind,
  { files }: Machine,
): string[] => {
  const { issuing, trusted, latest } = stateOf(folder, kind);
  return Array.from({ length: latest }, (_, index) => index + 1)
    .filter((generation) => generation !== issuing && !trusted.includes(generation))
    .map((generation) => keyPath(folder.path, kind, generation))
    .filter((path) => files.stateOf(path) !== undefined);
};

const next = (folder: AuthorityFolder, kind: AuthorityKind, machine: Machine): string[] => {
  const again = `\`stockade-certs rotate --kind ${kind} --folder DIR ...\``;
  const list = listPath(folder, kind);
  const shared = [
    trustPath(folder.path, kind),
    ...(machine.files.stateOf(list) === undefined ? [] : [list]),
  ].join(' and ');
  const retired = retiredKeys(folder, kind, machine);
  switch (stageOf(stateOf(folder, kind))) {
    case 'settled':
      return retired.length === 0
        ? []
        : [
            `copy ${shared} to everybody and reload: what a dropped CA signed is trusted no more`,
            `then destroy ${retired.join(', ')} and every copy`,
          ];
    case 'trust-both':
      return [
        `copy ${shared} to everybody and reload`,
        `then ${again}, or --confirm HOLDER for those whose folder is not here`,
      ];
    case 'reissue':
      return [
        'renew every certificate with `stockade-certs renew`, put it in place and reload',
        `then ${again}, or --confirm HOLDER for those whose folder is not here`,
      ];
  }
};

const reportOf = (
  folder: AuthorityFolder,
  kinds: readonly AuthorityKind[],
  machine: Machine,
): Report => {
  const all = kinds.map((kind) => statusOf(folder, kind, machine));
  return {
    data: all,
    lines: all.flatMap(({ kind, stage, issuing, trusted, holders }) =>
      fields(`${kind} CA`, {
        stage,
        signs: `g${issuing}`,
        trusted: trusted.map((generation) => `g${generation}`).join(', '),
        ...Object.fromEntries(holders.map(({ holder, generation }) => [holder, `g${generation}`])),
      }),
    ),
    advice: kinds.flatMap((kind) => next(folder, kind, machine)),
  };
};

const begin = (folder: AuthorityFolder, kind: AuthorityKind, typed: Typed, machine: Machine) => {
  const state = stateOf(folder, kind);
  const generation = state.latest + 1;
  const sealed = isSealedKey(machine.files.readSecret(keyPath(folder.path, kind, state.issuing)));
  const ask = passphraseFrom(typed, machine);
  // A CA under a passphrase is not replaced by one without, nor under a mistyped one: the old key
  // must open. One without may get one.
  if (sealed) signingAuthority(folder, kind, state.issuing, ask, machine);
  const passphrase = sealed || typed.text('passphrase-file') !== undefined ? ask() : undefined;
  const wanted = { kind, generation, validDays: daysFrom(typed), passphrase };
  placeGeneration(folder, wanted, newGeneration(folder.cluster, wanted, machine), machine);
  const trusted = [state.issuing, generation];
  const after = saveState(folder, kind, { ...state, trusted, latest: generation }, machine);
  // Who reads revocation lists refuses everybody below a CA without one.
  if (machine.files.stateOf(listPath(folder, kind)) !== undefined) {
    writeLists(after, { kind, validDays: undefined, passphrase: ask }, machine);
  }
  return openAuthorityFolder(folder.path, machine);
};

const guard = (folder: AuthorityFolder, kind: AuthorityKind, typed: Typed, machine: Machine) => {
  const missing = missingFor(
    folder,
    kind,
    {
      folders: typed.texts('folder'),
      confirmed: typed.texts('confirm').map((text) => holderText(holderFrom(text))),
    },
    machine,
  );
  if (missing.length === 0 || typed.flag('force')) return;
  throw new GuardRefusal(
    missing.map(({ holder, why }) => `${holder} ${why}`).join('; '),
    'bring them along and name their --folder or --confirm them; --force goes on and cuts them off',
  );
};

const advance = (folder: AuthorityFolder, kind: AuthorityKind, typed: Typed, machine: Machine) => {
  const state = stateOf(folder, kind);
  const newest = Math.max(...state.trusted);
  const stage = stageOf(state);
  if (stage === 'settled') return begin(folder, kind, typed, machine);
  mendTrust(folder, kind, machine);
  guard(folder, kind, typed, machine);
  const after =
    stage === 'trust-both' ? { ...state, issuing: newest } : { ...state, trusted: [newest] };
  return saveState(folder, kind, after, machine);
};

const abort = (folder: AuthorityFolder, kind: AuthorityKind, machine: Machine) => {
  const state = stateOf(folder, kind);
  if (stageOf(state) === 'trust-both') {
    return saveState(folder, kind, { ...state, trusted: [state.issuing] }, machine);
  }
  throw new GuardRefusal(
    `the ${kind} CA is not in the stage trust-both, the only one with a way back`,
    'see where it stands with `stockade-certs rotate --status`',
  );
};

const run = (typed: Typed, machine: Machine): Report => {
  const folder = authorityFolderFrom(typed, machine);
  const kind = kindFrom(typed);
  if (typed.flag('status')) {
    const there = (['peer', 'client'] as const).filter((one) => folder.states[one] !== undefined);
    return reportOf(folder, kind === undefined ? there : [kind], machine);
  }
  if (kind === undefined) throw usageError('--kind is missing', typed.command);
  return whileLocked(authorityPath(typed), machine, () => {
    const current = authorityFolderFrom(typed, machine);
    const after = typed.flag('abort')
      ? abort(current, kind, machine)
      : advance(current, kind, typed, machine);
    return reportOf(after, [kind], machine);
  });
};

/** Replaces a CA, one stage a call. */
export const rotate: Command = {
  name: 'rotate',
  parameters: '--kind peer|client | --status',
  summary:
    'replace a CA in stages, one a call: trust both, reissue, drop the old; --status tells where it stands',
  example: 'rotate --kind peer --folder certs/n1 --confirm node:n2',
  failure: 'the rotation stands where it stood',
  words: { min: 0, max: 0 },
  options: {
    kind: kindOption,
    status: { type: 'boolean', help: 'tell where the rotation stands, change nothing' },
    folder: {
      type: 'string',
      multiple: true,
      value: 'DIR',
      help: "a holder's folder that shows it is ready for the next stage; repeat for more",
    },
    confirm: {
      type: 'string',
      multiple: true,
      value: 'HOLDER',
      help: 'take your word that this holder is ready; repeat for more',
    },
    abort: {
      type: 'boolean',
      help: 'go back, possible while both are trusted and the old one signs',
    },
    force: { type: 'boolean', help: 'go on although holders will be cut off' },
    days: daysOption('lifetime of the new CA (default 1825)'),
    authority: authorityOption,
    'passphrase-file': passphraseOption,
  },
  run,
};
