/**
 * `postern lab ...`: orders to the running demo. What they do is lab/orders.ts; here are the words of the
 * command line.
 */
import { type Command, Option } from 'commander';
import { askLab, labSocketPath } from '#gateway/lab/control';
import type { LabOrder } from '#gateway/lab/orders';
import { exitCodes } from './exit-codes.ts';

/** What a command of the lab needs of the process that it runs in. */
export interface LabIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly temporaryFolder: string;
  readonly uid: number;
  readonly write: (text: string) => void;
  readonly complain: (text: string) => void;
  readonly exit: (code: number) => void;
}

/** Adds `lab` and its commands to the program. */
export function addLabCommands(program: Command, io: LabIo): void {
  const lab = program.command('lab').description('faults and moves in the running demo');
  const give = (order: LabOrder, options: { json?: boolean }) => giveOrder(io, order, options.json === true);
  // A factory: commander keeps state in an option.
  const json = () => new Option('--json', 'print the answer as JSON');

  lab
    .command('status')
    .description('servers and copies as the active manager sees them')
    .addOption(json())
    .action((options: { json?: boolean }) => give({ order: 'status' }, options));
  lab
    .command('move <database> <server>')
    .description('switch the active copy over, and print the timeline')
    .addOption(json())
    .action((database: string, server: string, options: { json?: boolean }) => {
      return give({ order: 'move', database, server }, options);
    });
  for (const [order, description] of serverOrders) {
    lab
      .command(`${order} <server>`)
      .description(description)
      .addOption(json())
      .action((server: string, options: { json?: boolean }) => give({ order, server }, options));
  }
}

const serverOrders = [
  ['crash', 'kill -9 a server, and print the timeline of what it had'],
  ['freeze', 'stop a server without ending it (SIGSTOP), and print the timeline'],
  ['heal', 'bring a crashed or frozen server back; it comes back passive'],
] as const;

async function giveOrder(io: LabIo, order: LabOrder, isJson: boolean): Promise<void> {
  const path = labSocketPath(io.env['POSTERN_LAB_SOCKET'], io.temporaryFolder, io.uid);
  try {
    const answer = await askLab(path, order);
    const text = isJson ? JSON.stringify(answer, undefined, 2) : answer.lines.join('\n');
    (answer.isDone || isJson ? io.write : io.complain)(`${text}\n`);
    if (!answer.isDone) io.exit(exitCodes.runtime);
  } catch (error) {
    io.complain(`${error instanceof Error ? error.message : 'the demo can not be asked'}\n`);
    io.exit(exitCodes.runtime);
  }
}
