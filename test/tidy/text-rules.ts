/** Rules on how source reads: its sizes, its first lines, its names, what it must not contain. */
import { basename } from 'node:path';
import {
  type Finding,
  type SourceFile,
  type Syntax,
  type TypeScriptFile,
  isSyntax,
  walk,
} from './source-files.ts';

export const sizes = {
  lineColumns: 110,
  fileLines: 500,
  functionLines: 60,
  functionLinesP90: 30,
  parameters: 4,
};

/** The lexicon's "not used as names of our parts", with what to say instead. */
const bannedWords: Readonly<Record<string, string>> = {
  upstream: 'server',
  downstream: 'client',
  node: 'server, peer',
  target: 'server',
  primary: 'active',
  master: 'active',
  slave: 'passive',
  proxy: 'gateway',
  handler: 'what it does, as a verb',
  manager: 'what it keeps, as a noun',
  helper: 'a noun for the thing',
  helpers: 'a noun for the thing',
  util: 'a noun for the thing',
  utils: 'a noun for the thing',
  common: 'a noun for what is shared',
  misc: 'a noun for each thing',
  info: 'a noun for what it tells',
  context: 'what it holds',
  service: 'frontend, server',
};
const bannedVerbs: Readonly<Record<string, string>> = {
  do: 'the verb of what is done',
  process: 'parse, format, build, update',
};

/** What a PURE file may not name: clock, chance, network, disk and the process are arguments. */
const impureNames = new Set([
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'process',
  'fetch',
  'crypto',
  'globalThis',
]);
const pureFiles = [
  /^gateway\/(cluster|model)\//,
  /^gateway\/routing\/(build|diff)-table\.ts$/,
  /^gateway\/drain\/drain-plan\.ts$/,
  /^workers\/(fronts\/|route\.ts$)/,
];

export function shortLines(files: readonly SourceFile[]): Finding[] {
  return files.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => {
      const columns = [...line].length;
      if (columns <= sizes.lineColumns) return [];
      return [
        {
          path,
          line: index + 1,
          rule: 'short lines',
          text: `${columns} columns; ${sizes.lineColumns} at most`,
        },
      ];
    }),
  );
}

export function shortFiles(files: readonly SourceFile[]): Finding[] {
  const long = files.filter(({ lines }) => lines.length > sizes.fileLines);
  return long.map(({ path, lines }) => ({
    path,
    line: 0,
    rule: 'short files',
    text: `${lines.length} lines; ${sizes.fileLines} at most`,
  }));
}

/** The first lines of a file say what it is: a doc comment, behind `#!` where there is one. */
export function headerFirst(files: readonly SourceFile[]): Finding[] {
  const bare = files.filter(({ path, text }) => {
    const start = text.replace(/^#!.*\n/, '');
    return path.endsWith('.rs') ? !start.startsWith('//!') : !start.startsWith('/**');
  });
  return bare.map(({ path }) => ({
    path,
    line: 1,
    rule: 'header first',
    text: 'the first lines say what the file is',
  }));
}

export function pureFilesArePure(files: readonly TypeScriptFile[]): Finding[] {
  return files
    .filter(({ path }) => pureFiles.some((each) => each.test(path)))
    .flatMap((file) =>
      pieces(file, (piece, around) => {
        const name = impureName(piece, around);
        return name === undefined
          ? undefined
          : { rule: 'pure', text: `${name}: clock, chance and the world are arguments here` };
      }),
    );
}

export function bannedSyntax(files: readonly TypeScriptFile[]): Finding[] {
  return files.flatMap((file) => pieces(file, (piece) => syntaxRefusal(file.path, piece)));
}

export function reasonedTodos(files: readonly SourceFile[]): Finding[] {
  return files.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => {
      if (!/(\/\/|^\s*\*) .*\b(TODO|FIXME|XXX)\b/.test(line) || /\bTODO: \S+(\s+\S+){3}/.test(line))
        return [];
      return [
        {
          path,
          line: index + 1,
          rule: 'reasoned to-dos',
          text: 'say in words what is missing and why',
        },
      ];
    }),
  );
}

/** File names, and names that files export. */
export function plainNames(files: readonly TypeScriptFile[]): Finding[] {
  return files.flatMap(({ path, exports }) => {
    const names = [{ name: basename(path).split('.')[0] ?? '', line: 0 }, ...exports];
    return names.flatMap(({ name, line }) => {
      const text = nameRefusal(name);
      return text === undefined ? [] : [{ path, line, rule: 'plain names', text }];
    });
  });
}

/** What is used beyond its folder says in a doc comment what it gives. */
export function documentedExports(
  files: readonly TypeScriptFile[],
  used: ReadonlyMap<string, ReadonlySet<string>>,
): Finding[] {
  return files.flatMap(({ path, exports }) => {
    const names = used.get(path);
    const bare = exports.filter(({ name, hasDoc }) => !hasDoc && (names?.has(name) || names?.has('*')));
    return bare.map(({ name, line }) => ({
      path,
      line,
      rule: 'documented exports',
      text: `${name} is used beyond its folder`,
    }));
  });
}

/** Lengths of all functions, shortest first. */
export function functionLengths(files: readonly TypeScriptFile[]): number[] {
  const lengths: number[] = [];
  for (const { syntax, lineAt } of files) {
    walk(syntax, ({ type, start, end }) => {
      if (/^(Function(Declaration|Expression)|ArrowFunctionExpression)$/.test(type))
        lengths.push(lineAt(end) - lineAt(start) + 1);
    });
  }
  return lengths.sort((a, b) => a - b);
}

function nameRefusal(name: string): string | undefined {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').split(/[\s_-]+/);
  const lower = words.map((word) => word.toLowerCase());
  const banned = lower.find((word) => Object.hasOwn(bannedWords, word));
  if (banned !== undefined) return `${name}: not "${banned}" but ${bannedWords[banned]}`;
  const [verb = ''] = lower;
  if (lower.length > 1 && Object.hasOwn(bannedVerbs, verb))
    return `${name}: not "${verb}" but ${bannedVerbs[verb]}`;
  return undefined;
}

function syntaxRefusal(path: string, piece: Syntax): { rule: string; text: string } | undefined {
  switch (piece.type) {
    case 'TSEnumDeclaration':
      return { rule: 'no enum', text: 'a union of words, or a table `as const`' };
    case 'ExportDefaultDeclaration':
      return { rule: 'no default export', text: 'a name, so that it is called the same everywhere' };
    case 'ExportAllDeclaration':
      return { rule: 'no barrels', text: 'import from the file that has it' };
    case 'Decorator':
      return { rule: 'no decorators', text: 'call the function' };
    case 'TSAnyKeyword':
      return { rule: 'no any', text: 'unknown, and a check' };
    case 'ClassDeclaration':
    case 'ClassExpression':
      return isBaseClass(piece['superClass'])
        ? { rule: 'no base classes', text: 'pass what differs as an argument' }
        : undefined;
    case 'ThrowStatement':
      return path.startsWith('workers/fronts/')
        ? { rule: 'no throw in fronts', text: 'what a client can do is a value' }
        : undefined;
    case 'CallExpression':
      return isOnly(piece) ? { rule: 'no .only', text: 'it would hide all other tests' } : undefined;
    default:
      return undefined;
  }
}

function isBaseClass(superClass: unknown): boolean {
  return isSyntax(superClass) && superClass['name'] !== 'Error';
}

function isOnly({ callee }: Syntax): boolean {
  if (!isSyntax(callee) || callee.type !== 'MemberExpression') return false;
  const { property, object } = callee;
  const isTest = isSyntax(object) && ['test', 'it', 'describe'].includes(String(object['name']));
  return isTest && isSyntax(property) && property['name'] === 'only';
}

function impureName(piece: Syntax, around: Syntax | undefined): string | undefined {
  if (piece.type === 'MemberExpression' && isSyntax(piece['object']) && piece['object']['name'] === 'Math') {
    return isSyntax(piece['property']) && piece['property']['name'] === 'random' ? 'Math.random' : undefined;
  }
  if (piece.type !== 'Identifier') return undefined;
  const name = String(piece['name']);
  // `x.process` and `{ process: 1 }` name fields, not the world's.
  const isField =
    (around?.['property'] === piece || around?.['key'] === piece) && around?.['computed'] !== true;
  return impureNames.has(name) && !isField ? name : undefined;
}

function pieces(
  file: TypeScriptFile,
  judge: (piece: Syntax, around: Syntax | undefined) => { rule: string; text: string } | undefined,
): Finding[] {
  const findings: Finding[] = [];
  walk(file.syntax, (piece, around) => {
    const refused = judge(piece, around);
    if (refused !== undefined) findings.push({ path: file.path, line: file.lineAt(piece.start), ...refused });
  });
  return findings;
}
