/**
 * The vitest reporter that counts: test/run.mjs adds what cargo counted and prints the closing line.
 *
 * It prints nothing; a file that could not be loaded and an error outside any test count as failed.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Vitest finds a reporter of a file by its default export. */
export default class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, skippedNames: [] as string[] };
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') counts.passed += 1;
        else if (state === 'failed') counts.failed += 1;
        else {
          counts.skipped += 1;
          counts.skippedNames.push(`${module.moduleId}: ${test.fullName}`);
        }
      }
    }
    const path = process.env['TALLY_PATH'];
    if (path !== undefined) writeFileSync(path, JSON.stringify(counts));
  }
}
