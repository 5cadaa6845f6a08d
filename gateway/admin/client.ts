/**
 * The admin API's client: finds the gateway's socket and asks it one thing. For the command line.
 *
 * Trouble is a value: whoever calls prints its words.
 */
import { request } from 'node:http';
import { dirname } from 'node:path';
import type { ErrorDocument } from './api.ts';
import { limits } from './limits.ts';
import { isAnswered } from './open-socket.ts';
import { folderTrouble } from './socket-folder.ts';

/** One gateway, found at its socket. Each question is a connection of its own, with a deadline. */
export interface AdminClient {
  readonly socket: string;
  get<Document>(path: string): Promise<Answer<Document>>;
  post<Document>(path: string, body?: object): Promise<Answer<Document>>;
}

export type Answer<Document> =
  | { readonly is: 'answered'; readonly document: Document }
  /** The gateway says no, in words. */
  | { readonly is: 'refused'; readonly words: string }
  /** No gateway, or none that answers. */
  | { readonly is: 'unreachable'; readonly words: string };

/** The first gateway that answers at one of the paths, or in words that there is none. */
export async function findGateway(paths: readonly string[], uid: number): Promise<AdminClient | string> {
  const troubles: string[] = [];
  for (const path of paths) {
    const trouble = folderTrouble(dirname(path), uid);
    if (trouble !== undefined) troubles.push(trouble);
    else if (await isAnswered(path)) return clientAt(path);
  }
  const last = paths.at(-1) ?? '';
  const list = paths.length > 1 ? `${paths.slice(0, -1).join(', ')} or ${last}` : last;
  return [`no gateway answers on ${list}; is it running?`, ...troubles].join('; ');
}

function clientAt(socket: string): AdminClient {
  return {
    socket,
    get: (path) => ask({ socket, method: 'GET', path }),
    post: (path, body) => ask({ socket, method: 'POST', path, ...(body && { body }) }),
  };
}

interface Asked {
  readonly socket: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
}

function ask<Document>({ socket, method, path, body }: Asked): Promise<Answer<Document>> {
  return new Promise((resolve) => {
    const fail = (words: string): void =>
      resolve({ is: 'unreachable', words: `the gateway on ${socket} ${words}` });
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = text === undefined ? {} : { 'content-type': 'application/json' };
    const asked = request({ socketPath: socket, method, path, headers, timeout: limits.clientTimeoutMs });
    asked.once('timeout', () =>
      asked.destroy(new Error(`did not answer within ${limits.clientTimeoutMs / 1000}s`)),
    );
    asked.once('error', (error) => fail(`does not answer: ${error.message}`));
    asked.once('response', (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > limits.answerBytesMax) asked.destroy(new Error('sent too long an answer'));
        else chunks.push(chunk);
      });
      response.once('error', (error) => fail(`broke off: ${error.message}`));
      response.once('end', () => {
        const answer = Buffer.concat(chunks).toString();
        resolve(answerOf<Document>(response.statusCode ?? 0, answer) ?? unreadable(socket));
      });
    });
    asked.end(text);
  });
}

function answerOf<Document>(status: number, text: string): Answer<Document> | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (status >= 200 && status < 300) return { is: 'answered', document: document as Document };
    return { is: 'refused', words: (document as ErrorDocument).error };
  } catch {
    return undefined;
  }
}

function unreadable<Document>(socket: string): Answer<Document> {
  return { is: 'unreachable', words: `what answers on ${socket} is not a Postern gateway` };
}
