/** Rules on the Rust sources that clippy has no lint for, or that a crate could switch off. */
import { type Finding, type SourceFile, pathsBelow, readSource } from './source-files.ts';

/** Every Rust file of the product and of the bench. */
export function readRust(): SourceFile[] {
  return [...pathsBelow('native/crates', '.rs'), ...pathsBelow('bench', '.rs')].map(readSource);
}

/** Outside tests: no unwrap, no expect, no way to switch those lints off. */
export function noUnwrap(files: readonly SourceFile[]): Finding[] {
  const banned =
    /\.unwrap\(\)|\.expect\(|\ballow\(.*clippy::(unwrap_used|expect_used|panic|indexing_slicing)/;
  return product(files).flatMap((file) =>
    linesWith(file, banned, 'no unwrap', 'what comes from outside is a Result to the end'),
  );
}

/** The workspace forbids it; an attribute or a crate without the workspace's lints could bring it back. */
export function noUnsafe(files: readonly SourceFile[]): Finding[] {
  const banned = /\bunsafe\s*(\{|fn\b|impl\b|extern\b)|\ballow\(.*unsafe_code/;
  return product(files).flatMap((file) =>
    linesWith(file, banned, 'no unsafe', 'only in one named module, with its reason'),
  );
}

const aside = /\/(tests|examples|benches)\/|\/tests\.rs$|_tests\.rs$/;

function product(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => path.startsWith('native/crates/') && !aside.test(path));
}

function linesWith({ path, lines }: SourceFile, banned: RegExp, rule: string, text: string): Finding[] {
  const findings: Finding[] = [];
  for (const [index, line] of untilTests(lines).entries()) {
    // What stands under the feature `faults` is compiled for tests alone.
    if (lines[index - 1]?.includes('#[cfg(feature = "faults")]')) continue;
    const code = line.replace(/\/\/.*$/, '').replace(/"(?:[^"\\]|\\.)*"/g, '""');
    if (banned.test(code)) findings.push({ path, line: index + 1, rule, text });
  }
  return findings;
}

/** A file's tests stand at its end, in a module that only tests compile. */
function untilTests(lines: readonly string[]): readonly string[] {
  const start = lines.findIndex((line) => /^#!?\[cfg\((test|any\(test.*)\)\]/.test(line));
  return start < 0 ? lines : lines.slice(0, start);
}
