// Reads TypeScript sources just far enough for the tests about sources: what is code, what is
// comment and what is string, and which modules a file imports. Holds no test itself.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The project's root folder. */
export const root = join(import.meta.dirname, '..');

/** A source file of the project. */
export interface SourceFile {
  /** From the root, with forward slashes: `src/raft/raft.ts`. */
  readonly path: string;
  readonly text: string;
}

const filesBelow = (path: string): readonly string[] => {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (stat.isFile()) return [path];
  return readdirSync(path).flatMap((name) => filesBelow(join(path, name)));
};

const notOurs = /^test\/(?:data|conformance\/data)\/|\/generated\/|\/node_modules\//;

/** The sources below the named folders, without generated code and data, in order. */
export const sourceFiles = (folders: readonly string[], from = root): readonly SourceFile[] =>
  folders
    .flatMap((folder) => filesBelow(join(from, folder)))
    .map((path) => ({ path: relative(from, path).replaceAll('\\', '/'), full: path }))
    .filter(({ path }) => /\.(?:ts|mjs|js)$/.test(path) && !notOurs.test(path))
    .map(({ path, full }) => ({ path, text: readFileSync(full, 'utf8') }))
    .sort((one, other) => (one.path < other.path ? -1 : 1));

/** Whether a slash at the end of `before` starts a regular expression rather than divides. */
const startsRegex = (before: string): boolean => {
  const code = before.trimEnd();
  return (
    code === '' ||
    /[({[,;:=!&|?+\-*%<>~^]$/.test(code) ||
    /\b(?:return|typeof|case|of|in|await|yield|void)$/.test(code)
  );
};

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

const regexLiteral = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const plainString = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/y;
const templatePart = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y;
const comment = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;

/** Matches a sticky pattern at an offset; the empty string when it does not match there. */
const matchAt = (pattern: RegExp, text: string, at: number): string => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
};

/**
 * The code alone, every other character in its place: comments, insides of strings, of templates'
 * texts and of regular expressions are blanks; quotes stay.
 */
export const codeOf = (text: string): string => {
  let code = '';
  /** For each open template: how many braces are open inside its current `${`. */
  const templates: number[] = [];
  const takeTemplate = (): void => {
    const part = matchAt(templatePart, text, code.length);
    if (part === '') throw new Error('a template without an end');
    const ends = part.endsWith('`');
    code += blank(part.slice(0, ends ? -1 : -2)) + (ends ? '`' : '${');
    if (!ends) templates.push(0);
  };
  while (code.length < text.length) {
    const character = text[code.length] ?? '';
    const literal =
      matchAt(comment, text, code.length) ||
      (startsRegex(code) ? matchAt(regexLiteral, text, code.length) : '');
    const string = matchAt(plainString, text, code.length);
    const depth = templates.at(-1);
    if (literal !== '') code += blank(literal);
    else if (string !== '') code += character + blank(string.slice(1, -1)) + character;
    else if (character === '`') {
      code += character;
      takeTemplate();
    } else if (character === '}' && depth === 0) {
      code += character;
      templates.pop();
      takeTemplate();
    } else {
      if (depth !== undefined && character === '{') templates.push((templates.pop() ?? 0) + 1);
      if (depth !== undefined && character === '}') templates.push((templates.pop() ?? 0) - 1);
      code += character;
    }
  }
  return code;
};

/** One import, re-export or dynamic import of a file. */
export interface Import {
  readonly kind: 'import' | 'export' | 'dynamic';
  /** What is imported; `?` when a dynamic import computes it. */
  readonly module: string;
  readonly line: number;
}

const fromClause =
  /\s*(?:type\s+)?(?:[\w$]+\s*,?\s*)?(?:\*(?:\s*as\s+[\w$]+)?|\{[^}]*\})?\s*from\s*(?=['"])/y;
const bareClause = /\s*(?=['"])/y;
const callClause = /\s*\(\s*/y;

/** Every import of a file, static or dynamic, for values or types. */
export const importsOf = (text: string): readonly Import[] => {
  const code = codeOf(text);
  const imports: Import[] = [];
  for (const match of code.matchAll(/(?<![.\w$])(import|export)\b/g)) {
    const after = match.index + match[0].length;
    const call = match[1] === 'import' ? matchAt(callClause, code, after) : '';
    const clause =
      matchAt(fromClause, code, after) ||
      (match[1] === 'import' ? matchAt(bareClause, code, after) : '');
    if (call === '' && clause === '' && !/^\s*['"]/.test(code.slice(after))) continue;
    const line = code.slice(0, match.index).split('\n').length;
    const start = after + Math.max(call.length, clause.length);
    const module = /^['"]([^'"]*)['"]/.exec(text.slice(start))?.[1] ?? '?';
    const kind = call !== '' ? 'dynamic' : match[1] === 'export' ? 'export' : 'import';
    imports.push({ kind, module, line });
  }
  return imports;
};
