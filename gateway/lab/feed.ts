/**
 * Posts documents to the gateway as an agent does: the admin API on its Unix socket, with the agent's key.
 */
import { request } from 'node:http';
import type { TopologyDocument } from './topology-document.ts';

export type Post = (document: TopologyDocument) => Promise<void>;

/** A gateway on the same machine answers in milliseconds; one that does not gets the next document. */
const postTimeoutMs = 1_000;

/** Rejects when the gateway does not take the document. */
export function feedTo(socketPath: string, key: string): Post {
  return (document) =>
    new Promise((resolve, reject) => {
      const body = Buffer.from(JSON.stringify(document));
      const headers = {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'content-length': body.length,
      };
      const options = { socketPath, path: '/v1/agent', method: 'POST', headers, timeout: postTimeoutMs };
      const sent = request(options, (answer) => {
        answer.resume();
        const code = answer.statusCode ?? 0;
        if (code >= 200 && code < 300) resolve();
        else reject(new Error(`the gateway answered ${code} to a document of ${document.agent}`));
      });
      sent.on('timeout', () => sent.destroy(new Error('the gateway did not answer')));
      sent.on('error', reject);
      sent.end(body);
    });
}
