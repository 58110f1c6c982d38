// Writes docs/THREATS.md: every threat that a test names at the start of its name, with the rule
// that holds against it and the tests that show it. A test fails when the page is stale.
//
//   node tools/threats.mjs            write docs/THREATS.md
//   node tools/threats.mjs --print    print it instead
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threats } from './threat-list.mjs';
import { httpThreats } from './threat-list-http.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const id = /\b[A-Z]{2,5}-\d{2}\b/g;
/** A name in the source: of a test, or of a case, which has it first or in brackets at its end. */
const named =
  /(['"`])((?:LST-01 )?[A-Z]{2,5}-\d{2}\b(?:(?!\1)[^\\\n]|\\.)*|[^'"`\n]*\([A-Z]{2,5}-\d{2}\))\1/g;

const testFiles = readdirSync(join(root, 'test'), { recursive: true })
  .map(String)
  .filter((path) => path.endsWith('.ts'))
  .sort();

/** File by file the names that begin with a threat. */
const namesIn = (path) => {
  const text = readFileSync(join(root, 'test', path), 'utf8');
  return [...text.matchAll(named)].map(([, , name]) => name.replaceAll(/\\(.)/g, '$1'));
};

/** `SMUG-01..03` stands for three ids. */
const expanded = (text) =>
  text.replaceAll(/\b([A-Z]{2,5}-)(\d{2})\.\.(\d{2})\b/g, (_all, kind, first, last) =>
    Array.from(
      { length: Number(last) - Number(first) + 1 },
      (_none, at) => `${kind}${String(Number(first) + at).padStart(2, '0')}`,
    ).join(' '),
  );

const testsOf = new Map();
for (const path of testFiles) {
  for (const name of namesIn(path)) {
    for (const [threat] of expanded(name).matchAll(id)) {
      const files = testsOf.get(threat) ?? new Set();
      files.add(path);
      testsOf.set(threat, files);
    }
  }
}

const link = (path) => {
  const file = relative(join(root, 'docs'), join(root, 'test', path)).replaceAll('\\', '/');
  return `[${path.replace(/^.*\//, '').replace(/\.ts$/, '')}](${file})`;
};

const row = ({ id: threat, what, control, instead }) => {
  const ids = expanded(threat).split(' ');
  const bare = ids.filter((one) => !testsOf.has(one));
  const files = new Set(ids.flatMap((one) => [...(testsOf.get(one) ?? [])]));
  const tests = [...files].toSorted((a, b) => (a < b ? -1 : 1)).map(link);
  if (bare.length > 0) tests.push(instead ?? `**no test: ${bare.join(', ')}**`);
  return `| ${threat} | ${what} | ${control} | ${tests.join(', ')} |`;
};

const page = `# Threats, controls and tests

Made by \`node tools/threats.mjs\` from the names of the tests: a test that guards against a threat has its id at the
start of its name. The page is not written by hand; a test fails when it is stale. The ids of SQL
stand in the names of their tests and are not listed here.

The plain-words version, with what is trusted and what is not protected against, is [SECURITY.md](../SECURITY.md).

## Certificates, listeners, frames

| id | threat | what holds | tests |
|---|---|---|---|
${threats.map(row).join('\n')}

## The API

| id | threat | what holds | tests |
|---|---|---|---|
${httpThreats.map(row).join('\n')}
`;

if (process.argv[2] === '--print') process.stdout.write(page);
else writeFileSync(join(root, 'docs', 'THREATS.md'), page);
