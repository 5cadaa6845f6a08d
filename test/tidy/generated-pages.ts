/** Rules on pages and tables that come from one place and are kept in another: they have to agree. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { endReasonsPage, settingsPage } from '#gateway/settings/docs';
import { endReasons } from '#model/end-reason';
import { type Finding, pathsBelow, readSource, root } from './source-files.ts';

/** The pages that code prints; `npx tsx --conditions=source test/tidy/write-pages.ts` writes them. */
export const generatedPages: Readonly<Record<string, () => string>> = {
  'docs/settings.md': settingsPage,
  'docs/end-reasons.md': endReasonsPage,
};

/** Every generated page is what its table prints. */
export function samePages(): Finding[] {
  const mend = 'npx tsx --conditions=source test/tidy/write-pages.ts';
  return Object.entries(generatedPages).flatMap(([path, print]) => samePage(path, print(), mend));
}

/** A page that the code prints, beside what is committed. The first line that differs is named. */
export function samePage(path: string, printed: string, mend: string): Finding[] {
  const full = join(root, path);
  const rule = 'generated pages';
  if (!existsSync(full)) return [{ path, line: 0, rule, text: `is missing: ${mend}` }];
  const [kept, wanted] = [readFileSync(full, 'utf8').split('\n'), printed.split('\n')];
  const line = wanted.findIndex((each, index) => each !== kept[index]);
  if (line < 0 && kept.length === wanted.length) return [];
  return [{ path, line: line + 1, rule, text: `differs from what the code prints: ${mend}` }];
}

/** The engine's table of end reasons has the codes, names and texts of the model's. */
export function sameEndReasons(): Finding[] {
  const path = 'native/crates/engine/src/end_reason.rs';
  const rows = [...readSource(path).text.matchAll(/^\s*\w+ = (\d+) "(\w+)" "([^"]*)",$/gm)];
  const rust = rows.map(([, code, name, text]) => `${code} ${name}: ${text}`);
  const model = Object.entries(endReasons).map(([name, { code, text }]) => `${code} ${name}: ${text}`);
  const findings = [
    ...rust.filter((row) => !model.includes(row)).map((row) => `only the engine has "${row}"`),
    ...model.filter((row) => !rust.includes(row)).map((row) => `only the model has "${row}"`),
  ];
  return findings.map((text) => ({ path, line: 0, rule: 'same end reasons', text }));
}

/** What docs name between backticks as a path of the project is there. */
export function namedFilesExist(): Finding[] {
  const pages = [...pathsBelow('docs', '.md'), 'README.md'].filter((path) => existsSync(join(root, path)));
  return pages.map(readSource).flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => {
      const named = [
        ...line.matchAll(/`((?:gateway|workers|native|test|bench|docs|deploy)\/[\w./-]*)`/g),
      ].map(([, each = '']) => each);
      const missing = named.filter((each) => !existsSync(join(root, each)));
      return missing.map((each) => ({
        path,
        line: index + 1,
        rule: 'named files exist',
        text: `${each} is not there`,
      }));
    }),
  );
}
