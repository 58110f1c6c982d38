// Writes src/command/generated from the .proto files of src/command. The result is checked in; a
// test fails when it is stale. Works without a network: compiler and plugin come from the lock
// file.
//
//   npm run generate                write src/command/generated
//   node tools/generate.mjs FOLDER  write into that folder instead (the test compares)
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { findNode, root } from './find-node.mjs';

const source = join(root, 'src', 'command');
const bin = (name) => join(root, 'node_modules', '.bin', name);
const output = resolve(process.argv[2] ?? join(source, 'generated'));

// Plain JavaScript with declarations: the plugin's TypeScript has enums, which Node cannot strip.
const template = {
  version: 'v2',
  plugins: [
    { local: bin('protoc-gen-es'), out: output, opt: ['target=js+dts', 'import_extension=js'] },
  ],
};

const names = readdirSync(source).filter((name) => name.endsWith('.proto'));
// What was made from a .proto that is gone must go too; a folder that was named is not ours to
// empty.
if (process.argv[2] === undefined) rmSync(output, { recursive: true, force: true });
const result = spawnSync(bin('buf'), ['generate', source, '--template', JSON.stringify(template)], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
  env: {
    ...process.env,
    PATH: `${dirname(findNode() ?? process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
  },
});
if (result.status !== 0) {
  process.stderr.write(`generate: buf failed: ${result.error?.message ?? 'see above'}\n`);
  process.exit(1);
}
process.stderr.write(`generate: ${names.length} .proto files to ${output}\n`);
