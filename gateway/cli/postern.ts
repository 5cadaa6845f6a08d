#!/usr/bin/env node
/** The entry of the `postern` command: gives the program this process. */
import { tmpdir } from 'node:os';
import { systemSurroundings } from '#gateway/settings/surroundings';
import { takeSecrets } from '#gateway/settings/take-secrets';
import { readVersion } from '#lib/read-version';
import type { CommandIo } from './io.ts';
import { addLabCommands } from './lab-commands.ts';
import { runProgram } from './program.ts';

const io: CommandIo = {
  // Before anything starts a thread or a child process.
  env: takeSecrets(process.env),
  uid: process.getuid?.() ?? 0,
  temporaryFolder: tmpdir(),
  print: (text) => void process.stdout.write(text),
  complain: (sentence) => void process.stderr.write(`${sentence}\n`),
  setExitCode: (code) => void (process.exitCode = code),
};

// A reader that has seen enough (`postern who | head`) is no trouble of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
});

await runProgram(
  {
    io,
    version: readVersion(),
    surroundings: systemSurroundings,
    run: async () => (await import('./run-command.ts')).runGateway(io),
    demo: async () => (await import('./demo.ts')).runDemo(io.env),
    doctor: async (options) =>
      (await import('./doctor-command.ts')).runDoctor(io, systemSurroundings(), options),
    addLab: (program) => {
      const complain = (text: string): void => io.complain(text.trimEnd());
      addLabCommands(program, { ...io, complain, write: io.print, exit: io.setExitCode });
    },
  },
  process.argv.slice(2),
);
