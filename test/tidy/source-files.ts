/** The project's source files, read and parsed once: what every rule of test/tidy.test.ts looks at. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'vite';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A break of a rule. The line counts from 1; 0 stands for the whole file. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly text: string;
}

export interface SourceFile {
  /** From the root, with slashes: `gateway/model/ids.ts`. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

export interface TypeScriptFile extends SourceFile {
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  readonly comments: readonly Comment[];
  readonly syntax: Syntax;
  lineAt(offset: number): number;
}

export interface Import {
  /** As it stands in the source: `#model/ids`, `./x.ts`, `node:fs`, `zod`. */
  readonly from: string;
  /** The project's file that it names: `gateway/model/ids.ts`; `native` for the engine; else undefined. */
  readonly file: string | undefined;
  readonly isType: boolean;
  /** The names taken, `*` for all of them. */
  readonly names: readonly string[];
  readonly line: number;
}

export interface Export {
  readonly name: string;
  readonly line: number;
  /** True where a doc comment stands right before it, or, in a type, at one of its fields. */
  readonly hasDoc: boolean;
}

export interface Comment {
  readonly text: string;
  readonly line: number;
}

/** A piece of the syntax tree; its other fields are pieces, lists of pieces and plain values. */
export interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

const skipped = new Set(['node_modules', 'dist', 'target', '.git', 'results', 'coverage']);

/** Paths of all files below the folder whose names end so, sorted. */
export function pathsBelow(folder: string, ending: string): string[] {
  const found: string[] = [];
  for (const entry of entriesOf(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory() && !skipped.has(entry.name)) found.push(...pathsBelow(path, ending));
    else if (entry.isFile() && entry.name.endsWith(ending)) found.push(path);
  }
  return found.sort();
}

export function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  return { path, text, lines: text.replace(/\n$/, '').split('\n') };
}

/** Every TypeScript file of the product, its tests and its bench. */
export function readTypeScript(): TypeScriptFile[] {
  const folders = ['gateway', 'workers', 'test', 'bench'];
  return folders
    .flatMap((folder) => pathsBelow(folder, '.ts'))
    .map((path) => parseTypeScript(readSource(path)));
}

/** One file, parsed; for rules that are tested with sources of their own. */
export function parseTypeScript(source: SourceFile): TypeScriptFile {
  const { program, comments, errors } = parseSync(source.path, source.text, { lang: 'ts' });
  if (errors.length > 0) throw new Error(`${source.path}: ${errors[0]?.message}`);
  const lineAt = lineCounter(source.text);
  const syntax = program as unknown as Syntax;
  const statements = piecesOf(syntax['body']);
  const remarks = comments.map(({ value, start, end }) => ({ text: value, start, end, line: lineAt(start) }));
  const hasDocAt = (start: number) =>
    remarks.some(
      ({ text, end }) => text.startsWith('*') && end <= start && source.text.slice(end, start).trim() === '',
    );
  const hasDoc = (statement: Syntax) =>
    hasDocAt(statement.start) ||
    (isTypeExport(statement) &&
      remarks.some(
        ({ text, start }) => text.startsWith('*') && start > statement.start && start < statement.end,
      ));
  return {
    ...source,
    syntax,
    lineAt,
    comments: remarks,
    imports: [...statements.flatMap(importsOf), ...dynamicImports(syntax)].map((each) => ({
      ...each,
      file: fileOf(source.path, each.from),
      line: lineAt(each.start),
    })),
    exports: statements.flatMap((statement) =>
      exportedNames(statement).map((name) => ({
        name,
        line: lineAt(statement.start),
        hasDoc: hasDoc(statement),
      })),
    ),
  };
}

/** Calls the visitor with every piece of the tree and the piece around it. */
export function walk(
  piece: Syntax,
  visit: (piece: Syntax, around: Syntax | undefined) => void,
  around?: Syntax,
): void {
  visit(piece, around);
  for (const value of Object.values(piece)) {
    for (const part of Array.isArray(value) ? value : [value]) if (isSyntax(part)) walk(part, visit, piece);
  }
}

export function isSyntax(value: unknown): value is Syntax {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Syntax).type === 'string' &&
    'start' in value
  );
}

function isTypeExport({ declaration }: Syntax): boolean {
  return isSyntax(declaration) && /^TS(Interface|TypeAlias)Declaration$/.test(declaration.type);
}

interface FoundImport {
  readonly from: string;
  readonly isType: boolean;
  readonly names: readonly string[];
  readonly start: number;
}

function importsOf(statement: Syntax): FoundImport[] {
  const { type, start, source } = statement;
  if (!isSyntax(source) || !/^(Import|ExportNamed|ExportAll)Declaration$/.test(type)) return [];
  const specifiers = piecesOf(statement['specifiers']);
  const kind = statement['importKind'] ?? statement['exportKind'];
  const isType =
    kind === 'type' || (specifiers.length > 0 && specifiers.every((each) => each['importKind'] === 'type'));
  const names =
    type === 'ExportAllDeclaration'
      ? ['*']
      : specifiers.map((each) => nameOf(each['imported'] ?? each['local']) ?? '*');
  const taken = specifiers.some(({ type: each }) => each === 'ImportNamespaceSpecifier') ? ['*'] : names;
  return [{ from: String(source['value']), isType, names: taken, start }];
}

function dynamicImports(syntax: Syntax): FoundImport[] {
  const found: FoundImport[] = [];
  walk(syntax, ({ type, start, source, argument }) => {
    const named =
      type === 'ImportExpression' ? source : type === 'TSImportType' ? (source ?? argument) : undefined;
    const value = isSyntax(named)
      ? (named['value'] ?? (isSyntax(named['literal']) ? named['literal']['value'] : undefined))
      : undefined;
    if (typeof value === 'string')
      found.push({ from: value, isType: type === 'TSImportType', names: ['*'], start });
  });
  return found;
}

function exportedNames(statement: Syntax): string[] {
  if (statement.type === 'ExportDefaultDeclaration') return ['default'];
  if (statement.type !== 'ExportNamedDeclaration') return [];
  const { declaration } = statement;
  if (!isSyntax(declaration))
    return piecesOf(statement['specifiers']).flatMap((each) => nameOf(each['exported']) ?? []);
  if (declaration.type !== 'VariableDeclaration') return [nameOf(declaration['id']) ?? ''];
  return piecesOf(declaration['declarations']).flatMap(({ id }) => {
    if (!isSyntax(id)) return [];
    return id.type === 'ObjectPattern'
      ? piecesOf(id['properties']).flatMap(({ key }) => nameOf(key) ?? [])
      : [nameOf(id) ?? ''];
  });
}

/** What an import names, by the `imports` of package.json. */
function fileOf(path: string, from: string): string | undefined {
  if (from === '#native') return 'native';
  if (from.startsWith('.')) return relative(root, resolve(root, dirname(path), from));
  const [prefix = '', ...rest] = from.split('/');
  const folder = {
    '#model': 'gateway/model',
    '#lib': 'gateway/lib',
    '#gateway': 'gateway',
    '#workers': 'workers',
  }[prefix];
  return folder === undefined ? undefined : `${folder}/${rest.join('/')}.ts`;
}

function piecesOf(value: unknown): Syntax[] {
  return Array.isArray(value) ? value.filter(isSyntax) : [];
}

function nameOf(piece: unknown): string | undefined {
  if (!isSyntax(piece)) return undefined;
  const name = piece['name'] ?? piece['value'];
  return typeof name === 'string' ? name : undefined;
}

function lineCounter(text: string): (offset: number) => number {
  const ends = [...text.matchAll(/\n/g)].map(({ index }) => index);
  return (offset) => {
    const before = ends.findIndex((end) => end >= offset);
    return (before < 0 ? ends.length : before) + 1;
  };
}

function entriesOf(folder: string) {
  try {
    return readdirSync(join(root, folder), { withFileTypes: true });
  } catch {
    return []; // A folder is made when its second file is.
  }
}
