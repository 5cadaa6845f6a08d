/** Entry of the bench: chooses what to run by the command line, and gives the exit code. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runImapBench } from './imap-bench.ts';
import { parseCommand, usage } from './options.ts';

/** Exit codes: 0 good; 1 a figure is not to be believed, or a means is missing; 2 a wrong use. */
export async function runBench(words: readonly string[]): Promise<number> {
  const command = parseCommand(words);
  switch (command.is) {
    case 'help':
      say(usage);
      return 0;
    case 'wrong':
      complain(`${command.problem}\n\n${usage}`);
      return 2;
    case 'imap':
      // Everything that was started is ended when the process exits.
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
      try {
        return await runImapBench(root, command.options, say);
      } catch (error) {
        complain(error instanceof Error ? error.message : String(error));
        return 1;
      }
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
