/**
 * Puts the admin server on its unix socket: alone there, closed to strangers from its first moment on.
 *
 * A socket left by a dead process is replaced, that of a living one never. Which path it is, is a setting.
 */
import { existsSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { limits } from './limits.ts';
import { folderTrouble, makeFolder } from './socket-folder.ts';

export interface OpenedSocket {
  readonly path: string;
}

/** A sun_path has 108 bytes, its closing NUL among them; Node cuts a longer one off without a word. */
const pathBytesMax = 107;
/** The owner and the group of the gateway's user. */
const umaskForSocket = 0o117;
const mend = 'set POSTERN_ADMIN_SOCKET to another path';

/** Listens at the path, or says in words why it can't. `uid` is this process's. */
export async function openSocket(server: Server, path: string, uid: number): Promise<OpenedSocket | string> {
  if (Buffer.byteLength(path) > pathBytesMax) {
    return `the admin socket's path ${path} is longer than ${pathBytesMax} bytes; ${mend}`;
  }
  try {
    makeFolder(dirname(path));
  } catch (error) {
    return `can't make the admin socket's folder: ${wordsOf(error)}; ${mend}`;
  }
  const trouble = folderTrouble(dirname(path), uid);
  if (trouble !== undefined) return `the admin socket can't be at ${path}: ${trouble}`;
  if (existsSync(path)) {
    if (await isAnswered(path)) {
      return `another gateway already answers on ${path}; stop it, or ${mend}`;
    }
    try {
      unlinkSync(path);
    } catch (error) {
      return `can't replace the old admin socket: ${wordsOf(error)}`;
    }
  }
  return listen(server, path);
}

/** Whether a living process takes connections there. */
export function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(limits.connectTimeoutMs, () => settle(true));
    socket.once('connect', () => settle(true));
    // Its queue is full: somebody is there.
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code === 'EAGAIN'));
  });
}

function listen(server: Server, path: string): Promise<OpenedSocket | string> {
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(`can't listen on the admin socket: ${wordsOf(error)}`));
    // The bind happens inside this call, so the socket never stands there with a wider mode.
    const before = process.umask(umaskForSocket);
    try {
      server.listen({ path }, () => resolve({ path }));
    } finally {
      process.umask(before);
    }
  });
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
