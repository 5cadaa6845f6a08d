/**
 * Starts the programs of a comparison, each pinned to its core, and ends all of them with the processes that
 * they have started: each by its own process group, whatever way the bench itself ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CpuAccount, openAccount, removeStaleAccounts } from './cpu-account.ts';
import { type CpuTime, anonymousKiBOf, cpuTimeOf } from './proc.ts';

export interface Program {
  readonly name: string;
  readonly command: string;
  readonly words: readonly string[];
  readonly core: number;
  /** How far it stands back behind others on its core: 0 (the default) to 19. */
  readonly niceness?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A started program. Its standard output is a pipe, its standard error goes to a file. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** CPU time so far of all its processes. */
  cpuTime(): CpuTime;
  /** Anonymous memory of all its processes. */
  memoryKiB(): number;
  /** Settles when it has ended. */
  readonly ended: Promise<void>;
  /** The last lines of its standard error, for an error message. */
  lastWords(): string;
  /** Asks it to end, insists after five seconds; returns when it has. */
  stop(): Promise<void>;
}

/** What starts programs; `stopAll` ends those that still run. */
export interface Launcher {
  start(program: Program): Running;
  stopAll(): Promise<void>;
}

/** `folder` receives the programs' standard error. */
export function createLauncher(folder: string): Launcher {
  const running = new Set<Running>();
  let count = 0;
  removeStaleAccounts();
  const killAll = () => running.forEach(({ pid }) => killGroup(pid));
  process.once('exit', killAll);
  return {
    start(program) {
      count++;
      const account = openAccount(`postern-bench-${process.pid}-${count}`);
      const started = launch(program, join(folder, `${program.name}-${count}.log`), account);
      running.add(started);
      started.child.once('exit', () => running.delete(started));
      return started;
    },
    async stopAll() {
      await Promise.all([...running].map((one) => one.stop()));
      process.removeListener('exit', killAll);
    },
  };
}

function launch(program: Program, logPath: string, account: CpuAccount | undefined): Running {
  const { command, words, core, niceness = 0, environment } = program;
  const log = openSync(logPath, 'w');
  // The shell joins the account and raises the file limit, then becomes the program, so the process id is
  // the program's.
  const script = 'echo $$ > "$1"; shift; ulimit -n "$(ulimit -Hn)"; exec "$@"';
  const places = ['nice', '-n', String(niceness), 'taskset', '-c', String(core)];
  const child = spawn(
    'sh',
    ['-c', script, 'sh', account?.joinPath ?? '/dev/null', ...places, command, ...words],
    {
      stdio: ['pipe', 'pipe', log],
      // At the head of a process group of its own, in which its children stay.
      detached: true,
      env: environment === undefined ? process.env : { PATH: process.env['PATH'], ...environment },
    },
  );
  closeSync(log);
  if (child.pid === undefined) throw new Error('sh could not be started');
  // A program that has ended before its input was closed is noticed by its exit, not by the broken pipe.
  child.stdin?.on('error', () => undefined);
  const { pid } = child;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  // Children that outlive their parent have nothing left to wait for.
  void ended.then(() => killGroup(pid)).then(() => closeAccount(account));
  return {
    child,
    pid,
    ended,
    cpuTime: () => cpuTimeOf(pid, account?.usageUs()),
    memoryKiB: () => anonymousKiBOf(pid),
    lastWords: () => readFileSync(logPath, 'utf8').trim().split('\n').slice(-5).join('\n'),
    async stop() {
      child.stdin?.end();
      child.kill('SIGTERM');
      const insist = setTimeout(() => killGroup(pid), stopTimeoutMs);
      await ended;
      clearTimeout(insist);
    },
  };
}

/** The processes that were killed take a moment to go; what stays after that holds nothing but a name. */
async function closeAccount(account: CpuAccount | undefined): Promise<void> {
  for (let tries = 0; tries < 20 && account?.close() === false; tries++) await sleep(50);
}

function killGroup(id: number): void {
  try {
    process.kill(-id, 'SIGKILL');
  } catch {
    // All of it has ended already.
  }
}

/** A port that is free now. Whoever binds it next may fail, and says so. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Returns once the port accepts; throws, with the program's last words, when it ends or takes too long. */
export async function awaitPort(port: number, program: Running, name: string): Promise<void> {
  const deadline = performance.now() + startTimeoutMs;
  while (performance.now() < deadline && program.child.exitCode === null) {
    if (await accepts(port)) return;
    await sleep(50);
  }
  const exit = program.child.exitCode;
  const what = exit === null ? 'did not listen in time' : `ended at once, exit code ${exit}`;
  throw new Error(`${name} ${what}:\n${program.lastWords()}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

const startTimeoutMs = 30_000;
const stopTimeoutMs = 5_000;
