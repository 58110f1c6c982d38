// Entry of `stockade-certs`: hands the real effects to the program and exits with its status.
import { randomBytes } from 'node:crypto';
import { diskFiles, programVersion, readStandardInput } from './files.ts';
import { runProgram } from './program.ts';

const nodeMajorMin = 24;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};

// A reader that has seen enough (`| head -1`) is no failure; what is left to say goes nowhere.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

if (Number.parseInt(process.versions.node, 10) < nodeMajorMin) {
  process.stderr.write(`stockade-certs: Node.js ${nodeMajorMin} or newer is needed\n`);
  process.exitCode = 78;
} else {
  process.exitCode = runProgram(process.argv.slice(2), {
    machine: {
      files: diskFiles,
      now: () => new Date(),
      randomBytes,
      standardInput: readStandardInput,
      isAlive,
      pid: process.pid,
    },
    version: programVersion(import.meta.dirname),
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
  });
}
