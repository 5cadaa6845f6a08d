/** Entry of the bench: chooses what to run by the command line, and gives the exit code. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCommand, usage } from './options.ts';
import { writePageOf } from './report/write-page.ts';
import { type Offer, runComparison } from './run-bench.ts';
import { imapSet, scenarios } from './scenarios/all.ts';
import { findSubjects } from './subjects/all.ts';

/** Exit codes: 0 good; 1 a figure is not to be believed, or a means is missing; 2 a wrong use. */
export async function runBench(words: readonly string[]): Promise<number> {
  const offer = { root, scenarios, kinds: findSubjects(root) };
  const command = parseCommand(words, {
    scenarios: scenarios.map(({ name }) => name),
    subjects: offer.kinds.map(({ name }) => name),
    sets: { imap: imapSet },
  });
  switch (command.is) {
    case 'help':
      say(usage);
      return 0;
    case 'list':
      say(listOf(offer));
      return 0;
    case 'wrong':
      complain(`${command.problem}\n\n${usage}`);
      return 2;
    case 'report':
      return reportAgain(command.path);
    case 'run':
      // Everything that was started is ended when the process exits.
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
        process.once(signal, () => process.exit(130));
      try {
        return await runComparison(offer, command.options, say);
      } catch (error) {
        complain(error instanceof Error ? error.message : String(error));
        return 1;
      }
  }
}

function reportAgain(path: string): number {
  const made = writePageOf(path);
  if (made.problem !== undefined) complain(made.problem);
  else say(`report: ${made.path}`);
  return made.problem === undefined ? 0 : 1;
}

function listOf({ scenarios: all, kinds }: Offer): string {
  const width = Math.max(...all.map(({ name }) => name.length), ...kinds.map(({ name }) => name.length));
  return [
    'scenarios:',
    ...all.map(({ name, doc }) => `  ${name.padEnd(width)}  ${doc}`),
    'subjects:',
    ...kinds.map(({ name, version, missing }) => `  ${name.padEnd(width)}  ${missing ?? version}`),
  ].join('\n');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
