/** Rules on what files import: the table, no cycles, no long chains, nothing unreachable. */
import { dirname } from 'node:path';
import { type ImportRow, importRowOf, isSamePart } from './import-table.ts';
import type { Finding, Import, TypeScriptFile } from './source-files.ts';

const chainMax = 8;

/** What no import reaches by a path: threads and processes are started by a file's name. */
const entryPoints = [
  /^gateway\/cli\/postern\.ts$/,
  /^workers\/serve\.ts$/,
  /^gateway\/lab\/[a-z-]*-main\.ts$/,
  /\.test\.ts$/,
  /^test\/(tally|tidy\/write-pages)\.ts$/,
  /^test\/.*\/fixtures\//,
  /^bench\//,
];

/** The import table, and what holds for all: nothing imports tests, nothing climbs. */
export function importsAllowed(files: readonly TypeScriptFile[]): Finding[] {
  return files.flatMap((file) =>
    file.imports.flatMap((each) => {
      const text = refusalOf(file.path, each);
      return text === undefined ? [] : [{ path: file.path, line: each.line, rule: 'import table', text }];
    }),
  );
}

function refusalOf(path: string, each: Import): string | undefined {
  const row = importRowOf(path);
  if (row === undefined) return undefined;
  const { from, file } = each;
  const refused = `${from}: ${row.rule}`;
  if (from.includes('../../')) return `${from} climbs: import by #model, #lib, #gateway, #workers`;
  if (from.startsWith('../') && !isWithin(path, file))
    return `${from} leaves the folder: import by #model, #lib, #gateway, #workers`;
  if (file === 'native') return nativeRefusal(row, each);
  if (file !== undefined)
    return isSamePart(path, file) || row.may.some((allowed) => allowed.test(file)) ? undefined : refused;
  if (from.startsWith('node:')) return row.mayUseNode ? undefined : refused;
  return row.packages.includes(packageOf(from)) ? undefined : refused;
}

/** One step up is a short way within a folder of folders, as from `fronts/imap` to `fronts`. */
function isWithin(path: string, file: string | undefined): boolean {
  const folder = path.split('/').slice(0, 2).join('/');
  return file?.startsWith(`${folder}/`) === true;
}

function nativeRefusal(row: ImportRow, { isType }: Import): string | undefined {
  if (row.native === 'values' || (row.native === 'types' && isType)) return undefined;
  return `#native: ${row.rule}`;
}

function packageOf(from: string): string {
  const [first = '', second = ''] = from.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

/** A cycle is named once, by its first file in order. Types count: a cycle of types is a tangle too. */
export function noCycles(files: readonly TypeScriptFile[]): Finding[] {
  const graph = graphOf(files, () => true);
  const findings: Finding[] = [];
  for (const path of graph.keys()) {
    const cycle = pathBack(graph, path);
    if (cycle === undefined || [...cycle].sort()[0] !== path) continue;
    findings.push({ path, line: 0, rule: 'no cycles', text: [...cycle, path].join(' -> ') });
  }
  return findings;
}

/** The longest way through imports of values, tests aside: what must be read to know what one file does. */
export function shortChains(files: readonly TypeScriptFile[]): Finding[] {
  const graph = graphOf(files.filter(isProduct), ({ isType }) => !isType);
  const longest = new Map<string, readonly string[]>();
  const chainOf = (path: string): readonly string[] => {
    const known = longest.get(path);
    if (known !== undefined) return known;
    longest.set(path, [path]); // Against a cycle, which is another rule's finding.
    const below = (graph.get(path) ?? []).map(chainOf);
    const chain = [
      path,
      ...below.reduce((best, each) => (each.length > best.length ? each : best), [] as readonly string[]),
    ];
    longest.set(path, chain);
    return chain;
  };
  const tooLong = [...graph.keys()].map(chainOf).filter((chain) => chain.length > chainMax);
  return tooLong.map((chain) => ({
    path: chain[0] ?? '',
    line: 0,
    rule: 'short chains',
    text: chain.join(' -> '),
  }));
}

/** Every file is reached from an entry point, a test or a bench. */
export function allReached(files: readonly TypeScriptFile[]): Finding[] {
  const graph = graphOf(files, () => true);
  const reached = new Set<string>();
  const waiting = [...graph.keys()].filter((path) => entryPoints.some((each) => each.test(path)));
  for (const path of waiting) {
    if (reached.has(path)) continue;
    reached.add(path);
    waiting.push(...(graph.get(path) ?? []));
  }
  const lost = [...graph.keys()].filter((path) => !reached.has(path));
  return lost.map((path) => ({
    path,
    line: 0,
    rule: 'all reached',
    text: 'no entry point, test or bench reaches this file',
  }));
}

/**
 * Names of the project that an import takes and no file exports are tsc's to find; a file that is not there,
 * too.
 */
export function usedBeyondFolder(files: readonly TypeScriptFile[]): Map<string, Set<string>> {
  const used = new Map<string, Set<string>>();
  for (const { path, imports } of files.filter(isProduct)) {
    for (const { file, names } of imports) {
      if (file === undefined || dirname(file) === dirname(path) || isSamePart(path, file)) continue;
      used.set(file, new Set([...(used.get(file) ?? []), ...names]));
    }
  }
  return used;
}

function isProduct({ path }: TypeScriptFile): boolean {
  return /^(gateway|workers)\//.test(path);
}

type Graph = ReadonlyMap<string, readonly string[]>;

function graphOf(files: readonly TypeScriptFile[], counts: (each: Import) => boolean): Graph {
  const known = new Set(files.map(({ path }) => path));
  return new Map(
    files.map(({ path, imports }) => {
      const named = imports
        .filter(counts)
        .flatMap(({ file }) => (file !== undefined && known.has(file) ? [file] : []));
      return [path, [...new Set(named)]];
    }),
  );
}

/** The shortest way from a file to itself. */
function pathBack(graph: Graph, start: string): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const waiting = [start];
  for (const path of waiting) {
    for (const next of graph.get(path) ?? []) {
      if (next === start) return wayOf(cameFrom, path);
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, path);
      waiting.push(next);
    }
  }
  return undefined;
}

function wayOf(cameFrom: ReadonlyMap<string, string>, last: string): string[] {
  const way = [last];
  for (let path = cameFrom.get(last); path !== undefined; path = cameFrom.get(path)) way.unshift(path);
  return way;
}
