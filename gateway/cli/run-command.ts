/**
 * `postern run`: the gateway itself, from the settings until SIGTERM or SIGINT. SIGHUP takes renewed
 * certificates; a second SIGTERM does not wait for the sessions.
 */
import { type Gateway, startGateway, systemDeps } from '#gateway/main';
import { parseSettings } from '#gateway/settings/parse';
import { formatProblem } from '#gateway/settings/problem';
import type { Settings } from '#gateway/settings/settings';
import { systemSurroundings } from '#gateway/settings/surroundings';
import type { Log } from '#lib/log';
import { exitCodes } from './exit-codes.ts';
import type { CommandIo } from './io.ts';

/** Settles when the gateway has stopped, or could not start; the exit code is set then. */
export async function runGateway(io: CommandIo): Promise<void> {
  const parsed = parseSettings(io.env, systemSurroundings());
  if ('problems' in parsed) {
    for (const problem of parsed.problems) io.complain(formatProblem(problem));
    return io.setExitCode(exitCodes.config);
  }
  const { settings } = parsed;
  const deps = systemDeps(settings);
  try {
    const gateway = await startGateway(settings, deps);
    deps.log.info('ready', { listeners: listenersOf(gateway), adminSocket: gateway.adminSocket });
    await untilStopped(gateway, io, deps.log);
  } catch (error) {
    io.complain(error instanceof Error ? error.message : String(error));
    io.setExitCode(exitCodeOf(error));
  }
  await closeLog(deps.log);
}

async function untilStopped(gateway: Gateway, io: CommandIo, log: Log): Promise<void> {
  const onHangup = (): void => {
    const settings = reread(io, log);
    if (settings !== undefined) gateway.reload(settings);
  };
  process.on('SIGHUP', onHangup);
  const signal = await firstOf('SIGTERM', 'SIGINT');
  log.info('stopping', { signal });
  const impatient = (): never => {
    // What waits for a reader must not keep the exit waiting.
    log.close();
    return process.exit(exitCodes.runtime);
  };
  process.on('SIGTERM', impatient).on('SIGINT', impatient);
  await gateway.stop();
  process.off('SIGHUP', onHangup).off('SIGTERM', impatient).off('SIGINT', impatient);
}

/**
 * The settings as they are now: the environment stands, but the file of POSTERN_ENV_PATH may have changed.
 */
function reread(io: CommandIo, log: Log): Settings | undefined {
  const parsed = parseSettings(io.env, systemSurroundings());
  if ('settings' in parsed) return parsed.settings;
  for (const problem of parsed.problems) log.error(`reload: nothing changes: ${formatProblem(problem)}`);
  return undefined;
}

function firstOf(...signals: NodeJS.Signals[]): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const on = (signal: NodeJS.Signals): void => {
      for (const each of signals) process.off(each, on);
      resolve(signal);
    };
    for (const each of signals) process.on(each, on);
  });
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number')
    return error.exitCode;
  return exitCodes.runtime;
}

function listenersOf({ listeners }: Gateway): string {
  return listeners.map(({ frontend, address }) => `${frontend} ${address}`).join(', ');
}

/**
 * The reader of the log may be stuck: a second is all that the end waits for it. An orderly exit would wait
 * for the thread that stands in a write to it, for ever; the default action of SIGTERM waits for nobody, and
 * systemd takes it for the clean end that it is.
 */
async function closeLog(log: Log): Promise<void> {
  const isWritten = await new Promise<boolean>((resolve) => {
    const late = setTimeout(() => resolve(false), 1_000);
    void log.flush().then(() => {
      clearTimeout(late);
      resolve(true);
    });
  });
  log.close();
  if (!isWritten) process.kill(process.pid, 'SIGTERM');
}
