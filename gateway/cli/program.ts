/** The `postern` command: which commands there are. What they do is in the files beside. */
import { Command, CommanderError } from 'commander';
import type { Surroundings } from '#gateway/settings/surroundings';
import { runCheck } from './check-command.ts';
import type { CheckOptions } from './check-command.ts';
import { addClientCommands } from './client-commands.ts';
import type { DoctorOptions } from './doctor-command.ts';
import { exitCodes } from './exit-codes.ts';
import type { CommandIo } from './io.ts';

export interface ProgramParts {
  readonly io: CommandIo;
  readonly version: string;
  readonly surroundings: () => Surroundings;
  /** Loaded only when asked for, since they load the engine. */
  readonly run: () => Promise<void>;
  readonly demo: () => Promise<void>;
  readonly doctor: (options: DoctorOptions) => Promise<void>;
  /** Adds `lab` and what is below it. */
  readonly addLab: (program: Command) => void;
}

/**
 * Runs the command of the arguments (without node and script). Never rejects; the exit code is set through
 * io.
 */
export async function runProgram(parts: ProgramParts, args: readonly string[]): Promise<void> {
  const { io } = parts;
  const program = programOf(parts);
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError)
      return io.setExitCode(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage);
    io.complain(error instanceof Error ? error.message : String(error));
    io.setExitCode(exitCodes.runtime);
  }
}

function programOf(parts: ProgramParts): Command {
  const { io, run, demo } = parts;
  const program = new Command('postern');
  program
    .description('An edge gateway for mail: every session goes to the server with the active copy.')
    .version(parts.version)
    // Copied to each command that is added after it.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.print(text),
      writeErr: (text) => io.complain(text.trimEnd()),
    });
  program.command('run').description('runs the gateway with the settings of the environment').action(run);
  program
    .command('demo')
    .description('runs a gateway with two mail servers of its own, to try it')
    .action(demo);
  program
    .command('start')
    .description('run, or demo where no server is configured')
    .action(() => (isConfigured(io) ? run() : demo()));
  program
    .command('check')
    .description('shows every setting, its source, and what to mend; exits 78 where something is wrong')
    .option('--json', 'the whole report')
    .option('--all', 'also what is not set')
    .action((options: CheckOptions) => runCheck(io, parts.surroundings(), options));
  program
    .command('doctor')
    .description(
      'looks at every server as a session would, and says what is wrong; exits 1 where something is',
    )
    .option('--json', 'the whole report')
    .option('--deep', 'also tries what logins meet, with the probe accounts and some wrong passwords')
    .action((options: DoctorOptions) => parts.doctor(options));
  addClientCommands(program, io);
  parts.addLab(program);
  return program;
}

/** Servers may also be named in the file of POSTERN_ENV_PATH. */
function isConfigured({ env }: CommandIo): boolean {
  return ['POSTERN_SERVERS', 'POSTERN_SERVERS_FILE', 'POSTERN_ENV_PATH'].some((name) => env[name]);
}
