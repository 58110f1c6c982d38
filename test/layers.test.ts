// The layer table as a test: every import of src and certs-tool goes where the table lets it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { common, doors, exceptions, layers, pure } from './layer-table.ts';
import { codeOf, type Import, importsOf, type SourceFile, sourceFiles } from './source-text.ts';

/** `src/raft/raft.ts` is `raft/raft.ts`, `certs-tool/main.ts` stays: the names the table uses. */
const placeOf = (path: string): string => path.replace(/^src\//, '');
const layerOf = (place: string): string => place.split('/')[0]?.replace(/\.ts$/, '') ?? '';

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);

const isDoor = (place: string, only: readonly string[]): boolean =>
  only.some((door) => (door.endsWith('/') ? place.startsWith(door) : place === door));

/** Why an import of another layer is not allowed; undefined when it is. */
const faultOfLayer = (place: string, module: string): string | undefined => {
  const from = layerOf(place);
  const to = layerOf(module.slice(1));
  if (!module.endsWith('.ts')) return 'an import names a .ts file';
  if (to === from) {
    const sameFolder = folderOf(place) === folderOf(module.slice(1));
    return sameFolder ? 'inside a folder import ./x.ts' : undefined;
  }
  if (!(to in layers)) return `there is no layer ${to}`;
  if (common.includes(to) || layers[from]?.includes(to)) return undefined;
  return `${from} must not see ${to}`;
};

const faultOfDoor = (place: string, module: string): string | undefined => {
  const door = doors.find((candidate) =>
    candidate.module.endsWith('/')
      ? module.startsWith(candidate.module)
      : module === candidate.module,
  );
  if (door === undefined) return 'the door table does not name it';
  return isDoor(place, door.only) ? undefined : `its door is ${door.only.join(', ')}`;
};

/** What a browser runs: it has no door to anything, and finds its own files by their names. */
const isOfConsole = (path: string): boolean => path.startsWith('src/http/console/');

const faultOf = (path: string, found: Import): string | undefined => {
  const place = placeOf(path);
  const { kind, module } = found;
  if (isOfConsole(path)) {
    return /^\.\/[\w-]+\.js$/.test(module) ? undefined : 'a page imports its own files only';
  }
  if (kind === 'export') return 'nothing is exported from elsewhere (no barrels)';
  if (module === '?') return 'a dynamic import names its module';
  if (module.startsWith('..')) return 'across folders import #layer/x.ts, never ../';
  if (module.startsWith('./')) {
    return /^\.\/[\w-]+(?:\/[\w-]+)*\.ts$/.test(module) ? undefined : 'an import names a .ts file';
  }
  return module.startsWith('#') ? faultOfLayer(place, module) : faultOfDoor(place, module);
};

const isException = (path: string, module: string): boolean =>
  exceptions.some((exception) => exception.file === path && exception.module === module);

const faultsIn = (files: readonly SourceFile[]): readonly string[] =>
  files.flatMap(({ path, text }) =>
    importsOf(text)
      .filter(({ module }) => !isException(path, module))
      .map((found) => ({ found, fault: faultOf(path, found) }))
      .filter(({ fault }) => fault !== undefined)
      .map(({ found, fault }) => `${path}:${found.line} imports ${found.module}: ${fault}`),
  );

const sources = sourceFiles(['src', 'certs-tool']);

/** A made-up file of one import, to see the rules refuse it. */
const faultsOf = (path: string, text: string): readonly string[] => faultsIn([{ path, text }]);

test('every import of src and certs-tool goes where the layer table lets it', () => {
  assert.ok(sources.length > 10);
  assert.deepEqual(faultsIn(sources), []);
});

test('every exception is in use and has a reason', () => {
  for (const { file, module, reason } of exceptions) {
    const source = sources.find(({ path }) => path === file);
    assert.ok(source !== undefined, `${file} is gone: remove the exception`);
    assert.ok(
      importsOf(source.text).some((found) => found.module === module),
      `${file} imports ${module} no more: remove the exception`,
    );
    assert.ok(reason.length > 10);
  }
});

test('every folder of src is a layer of the table', () => {
  for (const { path } of sources) assert.ok(layerOf(placeOf(path)) in layers, path);
});

test('an import across layers, past a door or by ../ is a fault', () => {
  for (const [path, text] of [
    ['src/raft/x.ts', "import { decodeCommand } from '#command/command-codec.ts';"],
    ['src/raft/x.ts', "import { join } from 'node:path';"],
    ['src/raft/x.ts', "import { join } from 'path';"],
    ['src/io/x.ts', "import type { Entry } from '#raft/entry.ts';"],
    ['src/db/x.ts', "import type { Role } from '../raft/role.ts';"],
    ['src/db/x.ts', "import { engine } from '#db/engine.ts';"],
    ['src/db/x.ts', "import { readFileSync } from 'node:fs';"],
    ['src/db/x.ts', "export { engine } from './engine.ts';"],
    ['src/db/x.ts', "export * from './engine.ts';"],
    ['src/db/x.ts', "import { engine } from './engine';"],
    ['src/node/x.ts', "import Database from 'better-sqlite3';"],
    ['src/node/x.ts', "const name = 'fastify'; await import(name);"],
    ['src/node/x.ts', "const forge = await import('node-forge');"],
    ['src/http/x.ts', "import { open } from '#db/open-writer.ts';"],
    ['src/http/x.ts', "import { left } from 'left-pad';"],
    ['src/cli/x.ts', "import { open } from '#db/open-writer.ts';"],
    ['src/http/console/x.js', "import { clock } from '#io/clock.ts';"],
    ['src/http/console/x.js', "import { left } from 'left-pad';"],
    ['certs-tool/x.ts', "import { clock } from '#io/clock.ts';"],
    ['certs-tool/x.ts', "import '#io/clock.ts';"],
    ['certs-tool/x.ts', "type Clock = import('#io/clock.ts').Clock;"],
  ] as const) {
    assert.equal(faultsOf(path, text).length, 1, `${path}: ${text}`);
  }
});

test('an import that the table allows is no fault', () => {
  for (const [path, text] of [
    ['src/raft/x.ts', "import { invariant } from '#invariant.ts';"],
    ['src/raft/x.ts', "import { y } from './y.ts';"],
    ['src/db/x.ts', "import Database from 'better-sqlite3';"],
    ['src/http/x.ts', "import helmet from '@fastify/helmet';"],
    ['src/cli/x.ts', "import { configFrom } from '#node/config.ts';"],
    ['src/cli/x.ts', "import { issue } from '#certs-tool/issue.ts';"],
    ['src/http/console/x.js', "import { y } from './y.js';"],
    ['src/cli/up/x.ts', "import type { Command } from '#cli/command.ts';"],
  ] as const) {
    assert.deepEqual(faultsOf(path, text), [], text);
  }
});

test('imports are found in every form, and none in strings, comments or patterns', () => {
  const text = `
    import 'a';
    import one, { type two } from "b";
    import * as three from 'c';
    import type { four,
      five } from 'd';
    export type { six } from 'e';
    export * as seven from 'f';
    // import 'no1';
    /* import 'no2'; */
    const text = "import 'no3'" + 'it\\'s' + \`import 'no4' \${await import('g')}\`;
    const nested = \`\${\`\${{ a: '}' }} import 'no8'\`}\`;
    const pattern = /['"\`]import 'no5'[/'"]/.test(text) ? 6 / 2 / 1 : import.meta.url;
    export const from = { import: 'no6', 'x': object.import('no7') };
    type Eight = import('h').Eight;
    await import(text);
  `;
  const found = importsOf(text);
  assert.deepEqual(
    found.map(({ module }) => module),
    [...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', '?']],
  );
  assert.deepEqual(
    found.map(({ kind }) => kind).filter((kind) => kind !== 'import'),
    ['export', 'export', 'dynamic', 'dynamic', 'dynamic'],
  );
  assert.equal(found[0]?.line, 2);
  assert.equal(codeOf(text).length, text.length);
});

/** Ways around `import`. */
const otherLoaders = /\b(?:require|createRequire|getBuiltinModule|eval)\s*\(|\bnew\s+Function\b/;

test('no module is loaded by another way than import', () => {
  for (const { path, text } of sources) assert.doesNotMatch(codeOf(text), otherLoaders, path);
});

/** `process.env`, and `env` taken out of node:process. */
const environment = /\bprocess\s*\.\s*env\b|\{[^}]*\benv\b[^}]*\}\s*(?:=\s*process\b|from\b)/;

test('the environment is read in one file', () => {
  for (const { path, text } of sources) {
    if (path !== 'src/node/config.ts') assert.doesNotMatch(codeOf(text), environment, path);
  }
  for (const text of ["import { env } from 'node:process';", 'const { env } = process;']) {
    assert.match(codeOf(text), environment);
  }
});

test('certs-tool reaches the disk through one file', () => {
  const files = sources.filter(
    ({ path, text }) =>
      path.startsWith('certs-tool/') && importsOf(text).some(({ module }) => module === 'node:fs'),
  );
  assert.ok(files.length <= 1, files.map(({ path }) => path).join(', '));
});

/** Globals with effects, which need no import. */
const effects = new RegExp(
  [
    String.raw`\b(?:process|console|performance|crypto|Date)\s*\.`,
    String.raw`\b(?:fetch|setTimeout|setInterval|setImmediate|queueMicrotask)\s*\(`,
    String.raw`\bnew\s+(?:Date|WebSocket)\b`,
    String.raw`\bMath\s*\.\s*random\b`,
  ].join('|'),
);

test('pure folders use no clock, timer, randomness, network or process', () => {
  for (const { path, text } of sources) {
    if (pure.includes(layerOf(placeOf(path)))) assert.doesNotMatch(codeOf(text), effects, path);
  }
  assert.match('const now = Date.now();', effects);
});

test('consensus imports its own files and the invariant, nothing else', () => {
  const core = sources.filter(({ path }) => path.startsWith('src/raft/'));
  assert.ok(core.length > 30);
  for (const { path, text } of core) {
    const foreign = importsOf(text)
      .map(({ module }) => module)
      .filter((module) => !module.startsWith('./') && module !== '#invariant.ts');
    assert.deepEqual(foreign, [], path);
  }
});

test('consensus is synchronous: no promise, no async function', () => {
  for (const { path, text } of sources) {
    if (path.startsWith('src/raft/')) {
      assert.doesNotMatch(codeOf(text), /\basync\b|\bawait\b|\bPromise\b|\.then\s*\(/, path);
    }
  }
});
