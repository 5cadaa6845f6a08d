/**
 * The file that POSTERN_ENV_PATH names: `NAME=value` a line, as systemd's EnvironmentFile and container tools
 * read it. Comments begin a line with #; a value may stand in quotes. Nothing is expanded.
 */
import type { Problem } from './problem.ts';

export interface EnvFile {
  readonly values: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

/** Names that don't begin with POSTERN_ are left alone: the file may be shared. */
export function parseEnvFile(text: string, path: string): EnvFile {
  const values: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const match = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(trimmed);
    if (match === null) problems.push(badLine(path, index + 1));
    else if (match[1]?.startsWith('POSTERN_') === true) values[match[1]] = unquoted(match[2] ?? '');
  }
  return { values, problems };
}

function unquoted(value: string): string {
  const text = value.trim();
  const match = /^"(.*)"$|^'(.*)'$/.exec(text);
  return match?.[1] ?? match?.[2] ?? text;
}

/** The line itself is not shown: it may hold a secret. */
function badLine(path: string, line: number): Problem {
  return {
    setting: 'POSTERN_ENV_PATH',
    problem: `names ${path}, whose line ${line} is no NAME=value`,
    mend: 'write NAME=value, or # in front of a comment',
  };
}
