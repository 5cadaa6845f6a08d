/** What a machine can check of docs/style.md: one test a rule, each finding with file, line and rule. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exceptions } from './tidy/exceptions.ts';
import { namedFilesExist, sameEndReasons, samePage, samePages } from './tidy/generated-pages.ts';
import { allReached, importsAllowed, noCycles, shortChains, usedBeyondFolder } from './tidy/import-rules.ts';
import { noUnsafe, noUnwrap, readRust } from './tidy/rust-rules.ts';
import {
  type Finding,
  parseTypeScript,
  pathsBelow,
  readSource,
  readTypeScript,
  root,
} from './tidy/source-files.ts';
import {
  bannedSyntax,
  documentedExports,
  functionLengths,
  headerFirst,
  plainNames,
  pureFilesArePure,
  reasonedTodos,
  shortFiles,
  shortLines,
  sizes,
} from './tidy/text-rules.ts';

const typescript = readTypeScript();
const product = typescript.filter(({ path }) => /^(gateway|workers)\//.test(path));
const scripts = ['build.mjs', ...pathsBelow('test', '.mjs'), ...pathsBelow('bench', '.mjs')].map(readSource);
const rust = readRust();
const all = [...typescript, ...scripts, ...rust];
const withHeader = all.filter(
  ({ path }) => !/(^test\/(?!run\.mjs|support|tidy)|\/tests\/|\/tests\.rs$)/.test(path),
);

const findings: readonly Finding[] = [
  ...importsAllowed(typescript),
  ...noCycles(typescript),
  ...shortChains(typescript),
  ...allReached(typescript),
  ...shortLines(all),
  ...shortFiles(all),
  ...headerFirst(withHeader),
  ...pureFilesArePure(typescript),
  ...bannedSyntax(typescript),
  ...reasonedTodos(all),
  ...plainNames(typescript),
  ...documentedExports(product, usedBeyondFolder(typescript)),
  ...noUnwrap(rust),
  ...noUnsafe(rust),
  ...sameEndReasons(),
  ...namedFilesExist(),
  ...samePages(),
  ...sameTypes(),
];

const rules = [
  'import table',
  'no cycles',
  'short chains',
  'all reached',
  'short lines',
  'short files',
  'header first',
  'pure',
  'no enum',
  'no any',
  'no default export',
  'no barrels',
  'no decorators',
  'no base classes',
  'no throw in fronts',
  'no .only',
  'reasoned to-dos',
  'plain names',
  'documented exports',
  'no unwrap',
  'no unsafe',
  'same end reasons',
  'named files exist',
  'generated pages',
];

test.each(rules)('%s', (rule) => {
  const left = findings.filter((finding) => finding.rule === rule && !isExcepted(finding));
  expect(left.map(({ path, line, text }) => `${path}:${line} ${text}`)).toEqual([]);
});

test('every finding is of a rule that is tested', () => {
  expect(findings.filter(({ rule }) => !rules.includes(rule))).toEqual([]);
});

test('every exception is needed, and says why', () => {
  const idle = exceptions.filter(
    ({ path, rule }) => !findings.some((each) => each.path === path && each.rule === rule),
  );
  expect(idle).toEqual([]);
  expect(exceptions.filter(({ reason }) => reason.split(' ').length < 4)).toEqual([]);
});

test(`nine functions in ten have at most ${sizes.functionLinesP90} lines`, () => {
  const lengths = functionLengths(product);
  expect(lengths[Math.floor(lengths.length * 0.9)]).toBeLessThanOrEqual(sizes.functionLinesP90);
});

test.each<[string, string, string, string[]]>([
  ['a model file with an import', 'gateway/model/x.ts', "import { a } from '#lib/a';", ['import table']],
  [
    'a folder that reaches into another',
    'gateway/store/x.ts',
    "import { a } from '#gateway/cluster/a';",
    ['import table'],
  ],
  [
    'the engine as a value',
    'gateway/routing/publish.ts',
    "import { start } from '#native';",
    ['import table'],
  ],
  ['the engine as a type', 'gateway/routing/publish.ts', "import type { Stats } from '#native';", []],
  [
    'a front that imports another',
    'workers/fronts/imap/x.ts',
    "import { a } from '#workers/fronts/pop3/a';",
    ['import table'],
  ],
  [
    'a front that imports what fronts share',
    'workers/fronts/imap/x.ts',
    "import { a } from '#workers/fronts/front';",
    [],
  ],
  ['a package that the row lacks', 'gateway/lib/x.ts', "import fastify from 'fastify';", ['import table']],
  [
    'a node module in a pure folder',
    'gateway/cluster/x.ts',
    "import { join } from 'node:path';",
    ['import table'],
  ],
  ['an import that climbs', 'gateway/lib/x.ts', "import { a } from '../model/a.ts';", ['import table']],
  ['a dynamic import', 'gateway/model/x.ts', "const a = await import('node:fs');", ['import table']],
  ['the clock in a pure folder', 'gateway/cluster/x.ts', 'const now = Date.now();', ['pure']],
  ['a field called process', 'gateway/cluster/x.ts', 'const a = b.process;', []],
  ['chance in a front', 'workers/fronts/x.ts', 'const a = Math.random();', ['pure']],
  ['a throw in a front', 'workers/fronts/x.ts', "throw new Error('a');", ['no throw in fronts']],
  ['an enum', 'gateway/lib/x.ts', 'enum A { b }', ['no enum']],
  ['any', 'gateway/lib/x.ts', 'let a: any;', ['no any']],
  ['a barrel', 'gateway/lib/x.ts', "export * from './a.ts';", ['no barrels']],
  ['a base class', 'gateway/lib/x.ts', 'class A extends B {}', ['no base classes']],
  ['an error of our own', 'gateway/lib/x.ts', 'class A extends Error {}', []],
  ['a banned noun', 'gateway/lib/x.ts', 'export const proxyHandler = 1;', ['plain names']],
  ['a banned file name', 'gateway/lib/string-utils.ts', '', ['plain names']],
  ['a test left alone', 'test/x.test.ts', "test.only('a', () => undefined);", ['no .only']],
])('the rules find %s', (_, path, text, expected) => {
  const file = parseTypeScript({ path, text, lines: text.split('\n') });
  const found = [
    ...importsAllowed([file]),
    ...pureFilesArePure([file]),
    ...bannedSyntax([file]),
    ...plainNames([file]),
  ];
  expect(found.map(({ rule }) => rule)).toEqual(expected);
});

test('the rules find a cycle once, a long chain, a file that nothing reaches', () => {
  const ring = [fileImporting('gateway/lib/a.ts', './b.ts'), fileImporting('gateway/lib/b.ts', './a.ts')];
  expect(noCycles(ring).map(({ text }) => text)).toEqual([
    'gateway/lib/a.ts -> gateway/lib/b.ts -> gateway/lib/a.ts',
  ]);
  const chain = Array.from({ length: 9 }, (_, index) =>
    fileImporting(`gateway/lib/f${index}.ts`, `./f${index + 1}.ts`),
  );
  expect(shortChains(chain.slice(0, 8))).toEqual([]);
  expect(shortChains(chain)).toHaveLength(1);
  expect(allReached(chain)).toHaveLength(9);
});

function fileImporting(path: string, from: string) {
  const text = `import { a } from '${from}';\n`;
  return parseTypeScript({ path, text, lines: text.split('\n') });
}

function isExcepted({ path, rule }: Finding): boolean {
  return exceptions.some((each) => each.path === path && each.rule === rule);
}

/** The engine's types as the last build made them, beside the committed ones; only where it was built. */
function sameTypes(): Finding[] {
  const built = join(root, 'dist/native/index.d.ts');
  if (!existsSync(built)) return [];
  return samePage('native/index.d.ts', readFileSync(built, 'utf8'), 'npm run build');
}
