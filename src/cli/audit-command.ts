// `stockade audit verify`: whether an audit log is as it was written. Works without a node.
import { join, resolve } from 'node:path';
import { auditFiles, changedFiles } from '#audit/audit-files.ts';
import type { ChainHead } from '#audit/chain.ts';
import { verifyAudit } from '#audit/verify-audit.ts';
import { CodedError } from '#errors.ts';
import { systemFiles } from '#io/file-system.ts';
import { nodeFolder } from './cluster/node-folder.ts';
import { dataOption } from './cluster/options.ts';
import type { Command, CommandInput } from './command.ts';
import { exitCodes } from './exit-code.ts';

const expectedFrom = (text: string): ChainHead | undefined => {
  if (text === '') return undefined;
  const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence !== undefined && hash !== undefined) return { sequence: Number(sequence), hash };
  throw new CodedError('usage', `--expect is ${JSON.stringify(text)}`, {
    hint: "Use SEQUENCE:HASH as the node's log has it: the newest line of the audit log.",
  });
};

const pathOf = (input: CommandInput): string => {
  const [path, ...more] = input.words;
  if (more.length > 0) throw new CodedError('usage', 'name the one file that is written');
  if (path !== undefined) return resolve(path);
  return join(nodeFolder(resolve(input.text('data'))).data, 'audit', 'audit.log');
};

const verify = async (input: CommandInput): Promise<number> => {
  const path = pathOf(input);
  if (systemFiles.status(path) === undefined) {
    throw new CodedError('usage', `there is no ${path}`, {
      hint: 'Name the audit log, or the folder of the node with --data DIR.',
    });
  }
  const report = verifyAudit(
    auditFiles(path, systemFiles),
    systemFiles,
    expectedFrom(input.text('expect')),
  );
  const changed = changedFiles(path, systemFiles);
  if (input.on('json')) process.stdout.write(`${JSON.stringify({ ...report, changed })}\n`);
  const { fault, first, head, tornBytes } = report;
  if (fault !== undefined) {
    throw new CodedError('audit_damaged', `${fault.file}, line ${fault.line}: ${fault.reason}`, {
      hint: `The lines from ${first} to ${head.sequence} are as they were written.`,
    });
  }
  if (changed.length > 0) {
    throw new CodedError('audit_damaged', `the node found changed: ${changed.join(', ')}`, {
      hint: 'The lines in them are no part of the chain any longer; see docs/formats/audit-log.md.',
    });
  }
  const torn = tornBytes === 0 ? '' : `; ${tornBytes} bytes of writes that were cut off`;
  if (!input.on('json')) {
    process.stdout.write(
      `lines ${first} to ${head.sequence} are as they were written${torn}\n${head.sequence}:${head.hash}\n`,
    );
  }
  return exitCodes.done;
};

/** The command. */
export const auditVerifyCommand: Command = {
  name: 'audit verify',
  summary: 'say whether the audit log is as it was written',
  usage: 'stockade audit verify [FILE] [--expect SEQUENCE:HASH] [--json] [--data DIR]',
  example: 'stockade audit verify --data /srv/stockade',
  takesSettings: false,
  options: [
    {
      name: 'expect',
      kind: 'text',
      value: 'SEQUENCE:HASH',
      standard: '',
      meaning: 'a line that must be there, as the log of the node named it',
    },
    { name: 'json', kind: 'switch', value: '', standard: 'false', meaning: 'print JSON' },
    dataOption,
  ],
  run: verify,
};
