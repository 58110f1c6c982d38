// `rotate`: replaces a CA in stages, one a call, and refuses a stage while somebody would be cut off.
import type { AuthorityKind } from '#certs-tool/authority.ts';
import {
  type AuthorityFolder,
  keyPath,
  makeGeneration,
  saveState,
  stateOf,
  trustPath,
  whileLocked,
} from '#certs-tool/authority-folder.ts';
import type { Command, Machine, Report, Typed } from '#certs-tool/command.ts';
import { usageError } from '#certs-tool/command-line.ts';
import { GuardRefusal } from '#certs-tool/guard-refusal.ts';
import { holderFrom, holderText } from '#certs-tool/holder.ts';
import {
  authorityFolderFrom,
  authorityOption,
  authorityPath,
  daysFrom,
  daysOption,
  givenPassphrase,
  kindFrom,
  kindOption,
  passphraseFrom,
  passphraseOption,
} from '#certs-tool/options.ts';
import { holdersInForce, missingFor, stageOf } from '#certs-tool/rotation.ts';
import { isSealedKey } from '#certs-tool/sealed-key.ts';
import { fields } from '#certs-tool/show.ts';

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

const next = (folder: AuthorityFolder, kind: AuthorityKind): readonly string[] => {
  const again = `\`stockade-certs rotate --kind ${kind} --folder DIR ...\``;
  const trust = trustPath(folder.path, kind);
  const state = stateOf(folder, kind);
  switch (stageOf(state)) {
    case 'settled':
      return state.issuing === 1
        ? []
        : [
            `copy ${trust} over everybody's ${kind}-ca.crt and reload: the old CA is trusted no more`,
            `then destroy ${keyPath(folder.path, kind, state.issuing - 1)} and its copies`,
          ];
    case 'trust-both':
      return [
        `copy ${trust} over everybody's ${kind}-ca.crt and reload`,
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
    advice: kinds.flatMap((kind) => next(folder, kind)),
  };
};

const begin = (folder: AuthorityFolder, kind: AuthorityKind, typed: Typed, machine: Machine) => {
  const state = stateOf(folder, kind);
  const generation = state.latest + 1;
  const sealed = isSealedKey(machine.files.readSecret(keyPath(folder.path, kind, state.issuing)));
  const passphrase = sealed ? passphraseFrom(typed, machine)() : givenPassphrase(typed, machine);
  makeGeneration(folder, { kind, generation, validDays: daysFrom(typed), passphrase }, machine);
  const trusted = [state.issuing, generation];
  return saveState(folder, kind, { ...state, trusted, latest: generation }, machine);
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
  if (kind === undefined) throw usageError('--kind is missing', 'rotate');
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
