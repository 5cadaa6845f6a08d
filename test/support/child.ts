/** Processes that tests start: their output kept, their end awaited, none left behind. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { within } from './eventually.ts';

export interface ChildOptions {
  /** The whole environment; PATH and HOME are added. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** How long `runChild` waits for its end; a minute unless given. */
  readonly withinMs?: number;
}

export interface Ended {
  /** The exit code, or the signal's name. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Child {
  readonly pid: number;
  /** All that it has written so far. */
  stdout(): string;
  stderr(): string;
  isRunning(): boolean;
  readonly ended: Promise<Ended>;
  signal(signal: NodeJS.Signals): void;
  /** Asks with SIGTERM, insists with SIGKILL. */
  stop(withinMs?: number): Promise<Ended>;
}

const running = new Map<number, ChildProcess>();

/** Starts a program; rejects when there is none of that name. */
export async function startChild(
  command: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<Child> {
  const { env = {}, cwd, stdin } = options;
  const started = spawn(command, args, {
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, HOME: process.env['HOME'] ?? '/', ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  await new Promise((resolve, reject) => started.once('spawn', resolve).once('error', reject));
  started.stdin?.end(stdin);
  return childOf(started);
}

/** Starts a program that a test talks with by its standard input and output. */
export function spawnPiped(command: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  const started = spawn(command, args, { stdio: 'pipe' });
  started.stdin.on('error', () => undefined);
  const { pid = 0 } = started;
  running.set(pid, started);
  return started.once('close', () => running.delete(pid));
}

/** Runs a program to its end. */
export async function runChild(
  command: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<Ended> {
  const child = await startChild(command, args, options);
  return within(options.withinMs ?? 60_000, `${command} ${args.join(' ')}`, child.ended).finally(() =>
    child.signal('SIGKILL'),
  );
}

/** Runs a program that has to succeed; gives what it printed. */
export async function mustRun(
  command: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<string> {
  const { status, stdout, stderr } = await runChild(command, args, options);
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

/** The process and all that descend from it, parents first. Zombies are dead and left out. */
export function familyOf(pid: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const parent = parentOf(Number(name));
    if (parent !== undefined) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(name)]);
  }
  const tree = [pid];
  for (const member of tree) tree.push(...(childrenOf.get(member) ?? []));
  return tree;
}

/** Whether it runs or is stopped. A zombie has ended: some inits are seconds late in reaping orphans. */
export function isAlive(pid: number): boolean {
  return parentOf(pid) !== undefined;
}

/** Sends a signal to each; those that are gone already don't matter. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself.
    }
  }
}

function childOf(started: ChildProcess): Child {
  const pid = started.pid ?? 0;
  running.set(pid, started);
  const kept = { stdout: '', stderr: '' };
  started.stdout?.setEncoding('utf8').on('data', (text: string) => (kept.stdout += text));
  started.stderr?.setEncoding('utf8').on('data', (text: string) => (kept.stderr += text));
  const ended = new Promise<Ended>((resolve) => {
    started.once('close', (code, signal) => {
      running.delete(pid);
      resolve({ status: code ?? signal ?? 'unknown', ...kept });
    });
  });
  const isRunning = () => started.exitCode === null && started.signalCode === null;
  const signal = (name: NodeJS.Signals) => void (isRunning() && started.kill(name));
  const stop = async (withinMs = 10_000) => {
    signal('SIGTERM');
    return within(withinMs, `the end of process ${pid}`, ended).catch(() => {
      signal('SIGKILL');
      return ended;
    });
  };
  return { pid, stdout: () => kept.stdout, stderr: () => kept.stderr, isRunning, ended, signal, stop };
}

function parentOf(pid: number): number | undefined {
  try {
    // The name stands in parentheses and may hold spaces; state and parent follow the last one.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
    return state === 'Z' || parent === undefined ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}

process.once('exit', () => {
  for (const child of running.values()) child.kill('SIGKILL');
});
