/** Writes the pages that code prints: docs/settings.md and its like. Run after their tables changed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedPages } from './generated-pages.ts';
import { root } from './source-files.ts';

for (const [path, print] of Object.entries(generatedPages)) {
  writeFileSync(join(root, path), print());
  process.stdout.write(`${path}\n`);
}
