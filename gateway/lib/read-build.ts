/** What the engine was built with, as build.mjs wrote it down: only main.ts and workers load the engine. */
import { existsSync, readFileSync } from 'node:fs';

export interface Build {
  /** The TLS profiles `compatible` and `legacy` are there. */
  readonly hasOpenssl: boolean;
}

/** From a tree of sources as from dist; an engine of which nothing is written down has nothing besides. */
export function readBuild(): Build {
  const candidates = ['../../native/build.json', '../../dist/native/build.json'].map(
    (path) => new URL(path, import.meta.url),
  );
  const found = candidates.find((url) => existsSync(url));
  if (found === undefined) return { hasOpenssl: false };
  const { openssl } = JSON.parse(readFileSync(found, 'utf8')) as { openssl?: boolean };
  return { hasOpenssl: openssl === true };
}
