/** The version that package.json names, from a tree of sources as from dist. */
import { existsSync, readFileSync } from 'node:fs';

/** `0.1.0`; `unknown` where no package.json is found. */
export function readVersion(): string {
  const candidates = ['../../package.json', '../../../package.json'].map(
    (path) => new URL(path, import.meta.url),
  );
  const found = candidates.find((url) => existsSync(url));
  if (found === undefined) return 'unknown';
  const { version } = JSON.parse(readFileSync(found, 'utf8')) as { version?: string };
  return version ?? 'unknown';
}
