// The whole gate, locally and in CI: format, types, lint, dead code, tests (which hold the layer
// table and the style rules). Stops at the first step that fails and says which it was.
//
//   npm run check              everything
//   npm run check -- --fast    everything but the tests
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './find-node.mjs';

const bin = (name) => join(root, 'node_modules', '.bin', name);

const steps = [
  {
    name: 'format and lint',
    command: bin('biome'),
    options: ['check', '--error-on-warnings', '.'],
  },
  { name: 'types', command: bin('tsc'), options: ['--project', root] },
  {
    name: 'types of the console',
    command: bin('tsc'),
    options: ['--project', join(root, 'src', 'http', 'console')],
  },
  { name: 'lint with types', command: bin('oxlint'), options: ['--type-aware', '--deny-warnings'] },
  { name: 'dead code', command: bin('knip'), options: ['--no-progress'] },
  { name: 'tests', command: process.execPath, options: [join(root, 'tools', 'test.mjs')] },
];

const fast = process.argv.includes('--fast');
for (const { name, command, options } of steps) {
  if (fast && name === 'tests') continue;
  process.stderr.write(`check: ${name}\n`);
  const result = spawnSync(command, options, { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) {
    process.stderr.write(`check: ${name} failed\n`);
    process.exit(1);
  }
}
process.stderr.write('check: all green\n');
