// Makes the npm package: the sources as JavaScript, because Node does not run TypeScript inside
// node_modules, and nothing that only a developer needs.
//
//   npm run package                 writes build/stockadedb-VERSION.tgz
//   npm run package -- --folder DIR writes the package's folder only
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { root } from './find-node.mjs';

const sourceFolders = ['src', 'certs-tool'];
const tools = ['stockade.mjs', 'stockade-certs.mjs', 'run-program.mjs', 'find-node.mjs'];
const copied = ['README.md', 'SECURITY.md', 'CHANGELOG.md', 'LICENSE', 'docs', 'config'];

/** Names of source files in texts: imports, and the programs of children and threads. */
const asJavaScript = (text) => text.replaceAll(/\.ts(['`])/g, '.js$1');

const convert = (from, to) => {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) convert(source, target);
    else if (entry.name.endsWith('.d.ts') || entry.name.endsWith('.proto')) continue;
    else if (entry.name === 'tsconfig.json') continue;
    else if (entry.name.endsWith('.ts')) {
      const text = stripTypeScriptTypes(readFileSync(source, 'utf8'));
      writeFileSync(target.replace(/\.ts$/, '.js'), asJavaScript(text));
    } else cpSync(source, target);
  }
};

const manifestOf = ({ name, version, description, license, type, engines, bin, ...rest }) => {
  const { imports, dependencies, optionalDependencies } = rest;
  const { '#test/*': _, ...kept } = imports;
  return {
    name,
    version,
    description,
    license,
    type,
    engines,
    bin,
    imports: kept,
    dependencies,
    optionalDependencies,
  };
};

const make = (folder) => {
  rmSync(folder, { recursive: true, force: true });
  for (const name of sourceFolders) convert(join(root, name), join(folder, name));
  mkdirSync(join(folder, 'tools'));
  for (const name of tools) {
    writeFileSync(
      join(folder, 'tools', name),
      asJavaScript(readFileSync(join(root, 'tools', name), 'utf8')),
      { mode: 0o755 },
    );
  }
  for (const name of copied) cpSync(join(root, name), join(folder, name), { recursive: true });
  const manifest = manifestOf(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
};

const at = process.argv.indexOf('--folder');
const only = at < 0 ? undefined : process.argv[at + 1];
const folder = only ?? join(root, 'build', 'package');
make(folder);
if (only === undefined) {
  const packed = spawnSync('npm', ['pack', folder, '--pack-destination', dirname(folder)], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exitCode = packed.status ?? 1;
}
