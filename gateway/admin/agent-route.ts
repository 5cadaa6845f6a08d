/**
 * POST /v1/agent: where agents hand in their documents. The same route is on the admin socket and, where
 * POSTERN_AGENT_LISTEN is set, on a listener of its own (agent-listener.ts).
 *
 * It checks the token and the size; what the document says is judged by copy-sources/agent-feed.ts.
 */
import type { FastifyInstance, FastifyPluginCallback } from 'fastify';
import { secretsEqual } from '#lib/secret-compare';

export interface AgentParts {
  /** Undefined where POSTERN_AGENT_KEY is not set: then only the socket's mode protects the route. */
  readonly key: { reveal(): string } | undefined;
  readonly bodyBytesMax: number;
  /** Hands one document over; the notes are about what was taken but looked odd. */
  receive(body: string): { readonly notes: readonly string[] } | { readonly problem: string };
}

/** A plugin, so that its body parser and its limit are the agents' alone. */
export function agentRoutes(parts: AgentParts): FastifyPluginCallback {
  return (app: FastifyInstance, _options, done) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      '*',
      { parseAs: 'string', bodyLimit: parts.bodyBytesMax },
      (_request, body, next) => next(null, body),
    );
    app.addHook('onRequest', async (request, reply) => {
      if (mayFeed(parts.key, request.headers.authorization)) return;
      return reply
        .code(401)
        .header('www-authenticate', 'Bearer')
        .send({ error: 'the agent key is missing or wrong' });
    });
    app.post('/v1/agent', (request, reply) => {
      if (typeof request.body !== 'string') return reply.code(400).send({ error: 'the request has no body' });
      const answer = parts.receive(request.body);
      if ('problem' in answer) return reply.code(400).send({ error: answer.problem });
      return reply.send({ accepted: true, notes: answer.notes });
    });
    done();
  };
}

function mayFeed(key: AgentParts['key'], authorization: string | undefined): boolean {
  if (key === undefined) return true;
  const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  return token !== undefined && secretsEqual(token, key.reveal());
}
