/**
 * Takes the secrets out of an environment: what stays there is copied into every worker thread and child
 * process, and may be shown by a dump of either (V53). A reload reads the copy, as it is given here.
 */
import type { Env } from './surroundings.ts';
import { settingRows } from './table.ts';

/** Gives the whole environment as it was; `env` itself has lost the settings that are secrets. */
export function takeSecrets(env: Record<string, string | undefined>): Env {
  const whole = { ...env };
  for (const { name, type } of settingRows) if (type.is === 'secret') delete env[name];
  return whole;
}
