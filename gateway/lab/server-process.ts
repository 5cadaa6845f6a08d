/**
 * A lab server's process, from outside: start it, ask it, stop it hard. The server itself is
 * mail-server-main.ts.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FromServer, LabPorts, ServerStart, ToServer } from './server-messages.ts';

/** Starting through tsx takes a second on a busy machine. */
const startTimeoutMs = 15_000;

export interface ServerEvents {
  onBeat(beat: Extract<FromServer, { type: 'beat' }>): void;
  /** Once, when the process is gone. */
  onExit(): void;
}

/** An order as it is written at the call; its number is given here. */
type Order =
  | { readonly type: 'mount'; readonly database: string; readonly epoch: number; readonly isNew: boolean }
  | { readonly type: 'dismount'; readonly database: string };

export class ServerProcess {
  readonly ports: LabPorts;
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, () => void>();
  #asks = 0;

  private constructor(child: ChildProcess, ports: LabPorts, events: ServerEvents) {
    this.#child = child;
    this.ports = ports;
    child.on('message', (message: FromServer) => {
      if (message.type === 'beat') events.onBeat(message);
      if (message.type === 'done') this.#asked.get(message.ask)?.();
    });
    child.once('exit', () => events.onExit());
  }

  /** Settles when the server listens. */
  static async start(start: ServerStart, events: ServerEvents): Promise<ServerProcess> {
    const { path, execArgv } = entry();
    const child = fork(path, [JSON.stringify(start)], {
      execArgv,
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    // A message to a process that has just gone; its exit tells more.
    child.on('error', () => undefined);
    return new ServerProcess(child, await portsOf(child), events);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  tell(message: ToServer): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** True when the server has carried it out within the time. */
  order(order: Order, withinMs: number): Promise<boolean> {
    this.#asks += 1;
    const ask = this.#asks;
    return new Promise((resolve) => {
      const settle = (isDone: boolean) => {
        clearTimeout(timer);
        this.#asked.delete(ask);
        resolve(isDone);
      };
      const timer = setTimeout(() => settle(false), withinMs);
      this.#asked.set(ask, () => settle(true));
      this.tell({ ...order, ask });
    });
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }
}

/** Compiled beside us, or the source through tsx: the same kind as this file. */
function entry(): { path: string; execArgv: string[] } {
  const isSource = import.meta.url.endsWith('.ts');
  const path = fileURLToPath(
    new URL(isSource ? 'mail-server-main.ts' : 'mail-server-main.js', import.meta.url),
  );
  if (!isSource) return { path, execArgv: [] };
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return { path, execArgv: ['--conditions=source', '--import', tsx] };
}

function portsOf(child: ChildProcess): Promise<LabPorts> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`a lab server did not start: ${why}`));
    };
    const onExit = (code: number | null) => fail(`it ended with ${code ?? 'a signal'}`);
    const timer = setTimeout(() => fail('it took too long'), startTimeoutMs);
    child.once('exit', onExit).on('message', function hear(message: FromServer) {
      if (message.type !== 'up') return;
      clearTimeout(timer);
      child.off('exit', onExit).off('message', hear);
      resolve(message.ports);
    });
  });
}
