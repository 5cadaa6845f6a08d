/**
 * One lab server, a process of its own: IMAP, POP3, ManageSieve and submission for clients, a link for those
 * who follow, a place for mail from the others, a channel to the active manager.
 *
 * Started by server-process.ts with a ServerStart as its argument. It ends with the channel, so that no
 * server outlives the demo; its mail is in memory and ends with it.
 */
import { rmSync } from 'node:fs';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { type LoginProtocol, loginProtocols } from '#model/protocol';
import { receiveMail } from './delivery/receiver.ts';
import { type Deliver, sendMail } from './delivery/sender.ts';
import { LabHost } from './host.ts';
import * as imap from './imap/session.ts';
import * as pop3 from './pop3/session.ts';
import { Follower } from './replication/follower.ts';
import type { FromServer, LabPorts, ServerStart, ToServer } from './server-messages.ts';
import * as sieve from './sieve/session.ts';
import { openSubmission } from './submission/session.ts';

/** Several beats go into a lease (mounts.ts), so that one that is late costs nothing. */
const beatEveryMs = 200;

const start = JSON.parse(process.argv[2] ?? '{}') as ServerStart;
const monotonic = () => performance.now();
const now = () => Date.now();
const host = new LabHost({ server: start.server, accounts: start.accounts, monotonic, now });
const clients = new Set<Socket>();
const followers = start.peers.map(
  ({ link }) => new Follower(start.server, link, (frame) => host.follow(frame)),
);

const deliver: Deliver = (mailbox, bytes) => host.deliver(mailbox, bytes);
const peerPaths = start.peers.map(({ mail }) => mail);
const send: Deliver = (mailbox, bytes) => sendMail({ deliver, peerPaths, monotonic }, mailbox, bytes);
const hasMailbox = (address: string) => host.hasMailbox(address);
const login: LabHost['login'] = (user, password) => host.login(user, password);

const sessions: Readonly<Record<LoginProtocol, (socket: Socket) => void>> = {
  imap: (socket) => void imap.runSession(socket, host),
  pop3: (socket) => void pop3.runSession(socket, host),
  sieve: (socket) => void sieve.runSession(socket, host),
  submission: openSubmission({ name: host.name, login, hasMailbox, send, now }),
};

listenAt(start.paths.link, (socket) => host.source.accept(socket));
listenAt(start.paths.mail, (socket) => receiveMail(socket, deliver));
void Promise.all(loginProtocols.map(listenFor)).then((ports) => {
  tell({ type: 'up', ports: Object.fromEntries(ports) as unknown as LabPorts });
});

process.on('message', (message) => void hear(message as ToServer));
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches every process of the terminal; the demo ends us when it is done.
process.on('SIGINT', () => undefined);
setInterval(beat, beatEveryMs);
beat();

/** A server that was killed left its socket behind. */
function listenAt(path: string, accept: (socket: Socket) => void): Server {
  rmSync(path, { force: true });
  return createServer(accept).listen(path);
}

/** Settles when the port is there. */
function listenFor(protocol: LoginProtocol): Promise<[LoginProtocol, number]> {
  // A client may close its side behind its last command and still read the answers.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
    sessions[protocol](socket);
  });
  return new Promise((resolve) => {
    server.listen(start.ports[protocol], '127.0.0.1', () => {
      resolve([protocol, (server.address() as AddressInfo).port]);
    });
  });
}

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
