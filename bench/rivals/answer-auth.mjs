/**
 * Answers nginx's auth_http: every login is good, and its server is the one that the command line names for
 * the protocol.
 *
 *   node answer-auth.mjs PORT IMAP-PORT POP3-PORT SMTP-PORT
 *
 * All are ports of 127.0.0.1. Ends when its standard input does. A program of its own, so that it can be
 * pinned to the generator's core.
 */
import { createServer } from 'node:http';

const [port, imap, pop3, smtp] = process.argv.slice(2);
const serverPorts = { imap, pop3, smtp };
createServer(({ headers }, response) => {
  const serverPort = serverPorts[headers['auth-protocol']];
  response.writeHead(200, { 'Auth-Status': 'OK', 'Auth-Server': '127.0.0.1', 'Auth-Port': serverPort }).end();
}).listen(Number(port), '127.0.0.1', 1024);
process.stdin.resume().once('end', () => process.exit(0));
