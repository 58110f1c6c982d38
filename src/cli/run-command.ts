// `stockade run`: one node in the foreground, for systemd, containers and `stockade up`.
import { cpus } from 'node:os';
import { CodedError } from '#errors.ts';
import { keepCodeCache } from '#io/code-cache.ts';
import { systemFiles } from '#io/file-system.ts';
import { refuseWeakening } from '#node/check/environment.ts';
import { addressText, configFrom, processEnvironment } from '#node/config.ts';
import { startEarly } from '#node/early-children.ts';
import { createLogger } from '#node/logger.ts';
import { systemEffects } from '#node/node-effects.ts';
import { readPublicText } from '#node/node-files.ts';
import { forbidCoreFiles } from '#process/forbid-core-files.ts';
import type { Command, CommandInput } from './command.ts';
import { exitCodes } from './exit-code.ts';
import { notifySystemd, type Word } from './notify-systemd.ts';
import { startWatchdog } from './watchdog.ts';

const onlyOwner = 0o077;

const run = async (input: CommandInput): Promise<number> => {
  refuseWeakening(processEnvironment());
  const path = input.text('config');
  if (path === '') {
    throw new CodedError('usage', '--config is missing', {
      hint: 'Name the configuration file: stockade run --config node.yaml',
    });
  }
  const config = configFrom({
    flags: input.settings,
    environment: processEnvironment(),
    file: { path, text: readPublicText(path, systemFiles) },
  });
  const log = createLogger(config.node.logLevel, config.node.logFormat, {
    node: config.node.name,
    part: 'node',
  });
  // SQLite and others make files by the umask: what a node and its processes make is nobody else's.
  process.umask(onlyOwner);
  if (!forbidCoreFiles()) {
    log.warn('core files cannot be switched off from here: a crash may leave keys on a disk');
  }
  const fatal = (error: Error): void => {
    log.fatal({ err: error }, 'this node cannot go on and ends');
    process.exit(exitCodes.failed);
  };
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', (reason) => {
    fatal(reason instanceof Error ? reason : new Error(String(reason)));
  });
  const children = startEarly(cpus().length);
  const { startNode } = await import('#node/node.ts');
  const node = await startNode({
    ...{ config, effects: systemEffects, log, children },
    onFatal: fatal,
  });
  const notify = (word: Word): Promise<void> =>
    notifySystemd(word, processEnvironment(), (reason) => {
      log.warn({ word, reason }, 'systemd could not be told how this node stands');
    });
  void node.serving.then(() => {
    log.info(
      { http: addressText(config.http.listen), peer: addressText(config.peer.listen) },
      'serving',
    );
    void notify('READY=1');
    startWatchdog({
      environment: processEnvironment(),
      pid: process.pid,
      turns: () => node.turns,
      feed: () => void notify('WATCHDOG=1'),
    });
    keepCodeCache();
  });
  process.on('SIGHUP', () => void node.reload());
  await stopAsked(input.on('supervised'));
  log.info('stopping: running requests finish, leadership is handed over');
  void notify('STOPPING=1');
  process.once('SIGTERM', () => process.exit(exitCodes.failed));
  process.once('SIGINT', () => process.exit(exitCodes.failed));
  await node.stop();
  log.info('stopped');
  process.exit(exitCodes.done);
};

/** SIGTERM, SIGINT, or the end of standard input where a supervisor holds it. */
const stopAsked = (supervised: boolean): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
    if (!supervised) return;
    process.stdin.on('end', () => resolve());
    process.stdin.on('close', () => resolve());
    process.stdin.resume();
  });

/** The command. */
export const runCommand: Command = {
  name: 'run',
  summary: 'run one node in the foreground',
  usage: 'stockade run --config node.yaml [--SETTING VALUE ...]',
  example: 'stockade run --config /etc/stockade/node.yaml',
  takesSettings: true,
  options: [
    {
      name: 'config',
      kind: 'text',
      value: 'FILE',
      standard: '',
      meaning: 'the configuration file',
    },
    {
      name: 'supervised',
      kind: 'switch',
      value: '',
      standard: 'false',
      meaning: 'stop when standard input ends: whoever started this node is gone',
    },
  ],
  run,
};
