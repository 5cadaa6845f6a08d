/**
 * Answers nginx's auth_http: every login is good, and its server is the one that the command line names.
 *
 *   node answer-auth.mjs PORT SERVER-PORT
 *
 * Both are ports of 127.0.0.1. Ends when its standard input does. A program of its own, so that it can be
 * pinned to the generator's core.
 */
import { createServer } from 'node:http';

const [port, serverPort] = process.argv.slice(2).map(Number);
const answer = { 'Auth-Status': 'OK', 'Auth-Server': '127.0.0.1', 'Auth-Port': String(serverPort) };
createServer((request, response) => response.writeHead(200, answer).end()).listen(port, '127.0.0.1', 1024);
process.stdin.resume().once('end', () => process.exit(0));
