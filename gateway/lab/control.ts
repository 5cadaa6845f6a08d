/** The running lab's Unix socket: one order a connection, as a line of JSON; one answer, and it is closed. */
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { LabAnswer, LabOrder } from './orders.ts';

const orderBytesMax = 4 * 1024;
const orderTimeoutMs = 5_000;
/** A sun_path has 108 bytes, its closing NUL among them. */
const pathBytesMax = 107;

/**
 * POSTERN_LAB_SOCKET, else a folder of the user's own in the temporary one: the same for the demo and the
 * command.
 */
export function labSocketPath(given: string | undefined, temporaryFolder: string, uid: number): string {
  return given !== undefined && given !== '' ? given : join(temporaryFolder, `postern-${uid}`, 'lab.sock');
}

/** Listens at the path, for this user alone. Rejects in words for who starts the demo. */
export async function openControl(
  path: string,
  carryOut: (order: LabOrder) => Promise<LabAnswer>,
): Promise<Server> {
  if (Buffer.byteLength(path) > pathBytesMax)
    throw new Error(`${path} is too long for a socket; set POSTERN_LAB_SOCKET`);
  ownFolder(dirname(path));
  if (await isAnswered(path)) throw new Error(`another demo runs already (it answers on ${path})`);
  rmSync(path, { force: true });
  const server = createServer((socket) => hear(socket, carryOut));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const before = process.umask(0o177);
    server.listen(path, () => resolve());
    process.umask(before);
  });
  return server;
}

/** Makes the folder; in a folder that all may write to, one that is not ours alone is refused. */
function ownFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [own, parent] = [lstatSync(folder), lstatSync(dirname(folder))];
  if ((parent.mode & 0o002) === 0) return;
  if (!own.isDirectory() || own.uid !== process.getuid?.())
    throw new Error(`${folder} belongs to somebody else`);
  chmodSync(folder, 0o700);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}

function hear(socket: Socket, carryOut: (order: LabOrder) => Promise<LabAnswer>): void {
  let text = '';
  socket.on('error', () => undefined);
  socket.setTimeout(orderTimeoutMs, () => socket.destroy());
  socket.on('data', (chunk) => {
    text += chunk.toString();
    if (text.length > orderBytesMax) return socket.destroy();
    const order = text.includes('\n') ? parseOrder(text) : undefined;
    if (!text.includes('\n')) return;
    socket.removeAllListeners('data').setTimeout(0);
    if (order === undefined) return socket.destroy();
    void carryOut(order).then((answer) => socket.end(`${JSON.stringify(answer)}\n`));
  });
}

/** Undefined for what is no order. */
export function parseOrder(line: string): LabOrder | undefined {
  try {
    const { order, database, server } = JSON.parse(line) as Record<string, unknown>;
    if (order === 'status') return { order };
    if (typeof server !== 'string') return undefined;
    if (order === 'move') return typeof database === 'string' ? { order, database, server } : undefined;
    return order === 'crash' || order === 'freeze' || order === 'heal' ? { order, server } : undefined;
  } catch {
    return undefined;
  }
}

/** Asks the running lab; rejects in words when there is none. */
export function askLab(path: string, order: LabOrder): Promise<LabAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    const none = () => reject(new Error(`no demo answers on ${path}; start one with "npm start"`));
    socket.once('error', none).once('close', none);
    socket.once('connect', () => socket.write(`${JSON.stringify(order)}\n`));
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (!text.endsWith('\n')) return;
      socket.off('close', none).destroy();
      resolve(JSON.parse(text) as LabAnswer);
    });
  });
}
