/**
 * One lab server, a process of its own: IMAP for clients, a link for those who follow, a channel to the
 * active manager.
 *
 * Started by server-process.ts with a ServerStart as its argument. It ends with the channel, so that no
 * server outlives the demo; its mail is in memory and ends with it.
 */
import { rmSync } from 'node:fs';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { LabHost } from './host.ts';
import { runSession } from './imap/session.ts';
import { Follower } from './replication/follower.ts';
import type { FromServer, ServerStart, ToServer } from './server-messages.ts';

/** Several beats go into a lease (mounts.ts), so that one that is late costs nothing. */
const beatEveryMs = 200;

const start = JSON.parse(process.argv[2] ?? '{}') as ServerStart;
const host = new LabHost({
  server: start.server,
  accounts: start.accounts,
  monotonic: () => performance.now(),
  now: () => Date.now(),
});
const clients = new Set<Socket>();
const followers = start.peerPaths.map(
  (path) => new Follower(start.server, path, (frame) => host.follow(frame)),
);

const links = createServer((socket) => host.source.accept(socket));
// A server that was killed left its socket behind.
rmSync(start.linkPath, { force: true });
links.listen(start.linkPath);

// A client may close its side behind its last command and still read the answers.
const imap = createServer({ allowHalfOpen: true }, (socket) => {
  clients.add(socket);
  socket.once('close', () => clients.delete(socket));
  void runSession(socket, host);
});
imap.listen(start.port, '127.0.0.1', () => tell({ type: 'up', port: (imap.address() as AddressInfo).port }));

process.on('message', (message) => void hear(message as ToServer));
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches every process of the terminal; the demo ends us when it is done.
process.on('SIGINT', () => undefined);
setInterval(beat, beatEveryMs);
beat();

function beat(): void {
  const copies = host.reports(followers.every((follower) => follower.isLinked));
  tell({ type: 'beat', beat: host.mounts.ask(performance.now()), copies, sessions: clients.size });
}

async function hear(message: ToServer): Promise<void> {
  switch (message.type) {
    case 'mounted':
      return host.heard(message.beat, message.mounts);
    case 'mount':
      host.mount({ database: message.database, epoch: message.epoch }, message.isNew);
      break;
    case 'dismount':
      await host.dismount(message.database);
      break;
  }
  // The report first: whoever hears that it is done knows where the copy stands.
  beat();
  tell({ type: 'done', ask: message.ask });
}

function tell(message: FromServer): void {
  if (process.connected) process.send?.(message);
}
