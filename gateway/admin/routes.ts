/**
 * The admin API, version 1, as routes of fastify: checks what comes in, calls a part, answers JSON.
 *
 * It knows what parts there are (AdminParts), not how they do it: main.ts ties them. Where it listens is
 * open-socket.ts, the agents' own listener agent-listener.ts. Every refusal is `{error: words}`.
 */
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import type { Log } from '#lib/log';
import type { AdminState } from '#model/routing-table';
import { type AgentParts, agentRoutes } from './agent-route.ts';
import type { AdminStateDocument, KickDocument, StatusDocument } from './api.ts';
import type { WhereisDocument, WhoDocument, WhoFilter } from './api.ts';
import { limits } from './limits.ts';

/** What the API can do. Nothing here blocks the data path; a string is a refusal in words. */
export interface AdminParts {
  status(): StatusDocument;
  whereis(mailbox: string): WhereisDocument;
  who(filter: WhoFilter): Promise<WhoDocument | string>;
  kick(mailbox: string): Promise<KickDocument | string>;
  setAdmin(server: string, admin: AdminState): Promise<AdminStateDocument | string>;
  /** The metrics page of Prometheus. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  /** Why this gateway should get no clients now; undefined when it should. */
  unhealthyWhy(): string | undefined;
}

export interface AdminServerParts {
  readonly admin: AdminParts;
  readonly agent: AgentParts;
  readonly log: Log;
}

/** The API without a listener: `inject` it in tests, give it a socket with openSocket. */
export function buildAdminServer({ admin, agent, log }: AdminServerParts): FastifyInstance {
  const app = fastify({
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    forceCloseConnections: true,
    return503OnClosing: true,
  });
  refuseBrowsers(app);
  answerErrors(app, log);
  readRoutes(app, admin);
  changeRoutes(app, admin);
  app.register(agentRoutes(agent));
  return app;
}

function readRoutes(app: FastifyInstance, admin: AdminParts): void {
  app.get('/v1/status', () => admin.status());
  app.get('/v1/whereis', { schema: { querystring: whereisQuery } }, (request) =>
    admin.whereis((request.query as { mailbox: string }).mailbox),
  );
  app.get('/v1/sessions', { schema: { querystring: whoQuery } }, async (request, reply) => {
    const answer = await admin.who(request.query as WhoFilter);
    return typeof answer === 'string' ? reply.code(404).send({ error: answer }) : answer;
  });
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await admin.metrics();
    return reply.type(contentType).send(text);
  });
  app.get('/healthz', (_request, reply) => {
    const why = admin.unhealthyWhy();
    return why === undefined ? reply.send({ ok: true }) : reply.code(503).send({ error: why });
  });
}

function changeRoutes(app: FastifyInstance, admin: AdminParts): void {
  app.post('/v1/kick', { schema: { body: kickBody } }, async (request, reply) => {
    const answer = await admin.kick((request.body as { mailbox: string }).mailbox);
    return typeof answer === 'string' ? reply.code(404).send({ error: answer }) : answer;
  });
  for (const state of ['ready', 'drain', 'maintenance'] as const) {
    app.post(`/v1/servers/:server/${state}`, async (request, reply) => {
      const answer = await admin.setAdmin((request.params as { server: string }).server, state);
      return typeof answer === 'string' ? reply.code(404).send({ error: answer }) : answer;
    });
  }
}

/**
 * A page in a browser must not reach the API, even where somebody put a port in front of the socket (V52).
 */
function refuseBrowsers(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.headers.origin === undefined && request.headers['sec-fetch-site'] === undefined) return;
    return reply.code(403).send({ error: 'requests from web pages are refused' });
  });
}

/** Refusals of fastify itself, and what we did wrong: the caller gets words, the log the rest. */
export function answerErrors(app: FastifyInstance, log: Log): void {
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `there is no ${request.method} ${request.url.split('?')[0]}` }),
  );
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return reply.code(status).send({ error: error.message });
    log.error('admin request failed', { route: request.routeOptions.url ?? '', why: error.message });
    return reply.code(500).send({ error: 'the gateway failed to answer; its log says why' });
  });
}

const name = { type: 'string', minLength: 1, maxLength: limits.nameCharsMax } as const;
const whereisQuery = {
  type: 'object',
  required: ['mailbox'],
  additionalProperties: false,
  properties: { mailbox: name },
} as const;
const kickBody = whereisQuery;
const whoQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    user: name,
    server: name,
    database: name,
    limit: { type: 'integer', minimum: 1, maximum: limits.sessionsMax },
  },
} as const;
