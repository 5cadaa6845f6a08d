/**
 * The simulation as one file, so that it starts fast in a thread of its own, and so that sources can be
 * changed on the way: a mutation is a change of the production code, not of the simulation.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';

/** One source, by its path from the root, and what to write for a text that it has exactly once. */
export interface Change {
  readonly path: string;
  readonly from: string;
  readonly to: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Below node_modules, so that the packages are found from there, and nothing is left in the tree. */
const folder = join(root, 'node_modules/.cache/postern-sim');
const conditions = ['source', 'node', 'default'];

/** Gives the bundle's URL. Rejects where a change does not fit its source any more. */
export async function bundleSimulation(name: string, changes: readonly Change[] = []): Promise<string> {
  const applied = new Set<Change>();
  const built = await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions },
    ssr: { resolve: { conditions } },
    plugins: [
      { name: 'changes', enforce: 'pre', transform: (code, id) => changed(code, id, changes, applied) },
    ],
    build: { ssr: join(root, 'test/sim/slice.ts'), write: false, minify: false, target: 'node20' },
  });
  const missed = changes.find((change) => !applied.has(change));
  if (missed !== undefined) throw new Error(`${missed.path} was not part of the bundle`);
  const [bundle] = 'output' in built ? built.output : [];
  if (bundle === undefined) throw new Error('nothing was built');
  const path = join(folder, `${name}.mjs`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, bundle.code);
  return pathToFileURL(path).href;
}

function changed(code: string, id: string, changes: readonly Change[], applied: Set<Change>): string {
  let text = code;
  for (const change of changes.filter(({ path }) => id === join(root, path))) {
    if (text.split(change.from).length !== 2)
      throw new Error(`${change.path} does not have this exactly once: ${change.from}`);
    text = text.replace(change.from, () => change.to);
    applied.add(change);
  }
  return text;
}
