/** Where the admin socket is: the same search for the gateway and for the command that talks to it. */
import type { Env, Surroundings } from './surroundings.ts';

/**
 * The places in their order. The gateway takes the first whose folder it can write, the command the first
 * where there is a socket. With POSTERN_ADMIN_SOCKET there is only that one.
 */
export function adminSocketCandidates(
  env: Env,
  { uid, temporaryFolder }: Pick<Surroundings, 'uid' | 'temporaryFolder'>,
): string[] {
  const named = env['POSTERN_ADMIN_SOCKET'];
  if (named !== undefined && named !== '') return [named];
  const runtime = env['XDG_RUNTIME_DIR'];
  return [
    '/run/postern/admin.sock',
    ...(runtime === undefined || runtime === '' ? [] : [`${runtime}/postern/admin.sock`]),
    `${temporaryFolder}/postern-${uid}/admin.sock`,
  ];
}

/**
 * The gateway's choice. The folders `postern` below a writable one are made by who opens the socket, mode
 * 700.
 */
export function chooseAdminSocket(
  env: Env,
  surroundings: Pick<Surroundings, 'uid' | 'temporaryFolder' | 'isWritableFolder'>,
): string {
  const candidates = adminSocketCandidates(env, surroundings);
  const usable = candidates.find((path) => {
    const folder = parentOf(path);
    return surroundings.isWritableFolder(folder) || surroundings.isWritableFolder(parentOf(folder));
  });
  return usable ?? candidates.at(-1) ?? '';
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}
