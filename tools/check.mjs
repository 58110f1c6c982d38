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
  ['format and lint', bin('biome'), ['check', '--error-on-warnings', '.']],
  ['types', bin('tsc'), ['--project', root]],
  ['lint with types', bin('oxlint'), ['--type-aware', '--deny-warnings']],
  ['dead code', bin('knip'), ['--no-progress']],
  ['tests', process.execPath, [join(root, 'tools', 'test.mjs')]],
];

const fast = process.argv.includes('--fast');
for (const [name, command, parameters] of steps) {
  if (fast && name === 'tests') continue;
  process.stderr.write(`check: ${name}\n`);
  const result = spawnSync(command, parameters, { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) {
    process.stderr.write(`check: ${name} failed\n`);
    process.exit(1);
  }
}
process.stderr.write('check: all green\n');
