// The main program of `stockade`. Small, because all that it names is loaded before its first line
// runs: by then the program may not be one that this version of Node.js can read.
import { useCodeCache } from '#io/code-cache.ts';
import { exitCodes } from './exit-code.ts';

const oldestNodeMajor = 24;
if (Number.parseInt(process.versions.node, 10) < oldestNodeMajor) {
  process.stderr.write(
    `stockade: this is Node.js ${process.versions.node}, ${oldestNodeMajor} or newer is needed\n`,
  );
  process.exit(exitCodes.configuration);
}
useCodeCache();
const { runProgram } = await import('./program.ts');
process.exitCode = await runProgram(process.argv.slice(2));
