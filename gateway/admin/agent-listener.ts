/**
 * The agents' own listener (POSTERN_AGENT_LISTEN): the route of the feed and nothing else, with the token,
 * over HTTPS with the gateway's certificate; plain HTTP on a loopback address only.
 */
import type { Server as HttpsServer } from 'node:https';
import { BlockList, type AddressInfo } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import type { Log } from '#lib/log';
import { type AgentParts, agentRoutes } from './agent-route.ts';
import { limits } from './limits.ts';
import { answerErrors } from './routes.ts';

export interface AgentListenerParts {
  readonly listen: { readonly host: string; readonly port: number };
  readonly certificate: AgentCertificate;
  readonly agent: AgentParts & { readonly key: { reveal(): string } };
  readonly log: Log;
}

export interface AgentCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface AgentListener {
  /** `https://192.0.2.1:8453`, with the port that was bound. */
  readonly url: string;
  /** For connections from now on; throws when certificate and key don't match, and keeps the old one. */
  setCertificate(certificate: AgentCertificate): void;
  close(): Promise<void>;
}

/** Listens, or says in words why it can't. */
export async function openAgentListener(parts: AgentListenerParts): Promise<AgentListener | string> {
  const { host, port } = parts.listen;
  const isPlain = isLoopback(host);
  const app = isPlain ? fastify(options) : tlsApp(parts.certificate);
  answerErrors(app, parts.log);
  app.register(agentRoutes(parts.agent));
  app.server.maxConnections = limits.agentConnectionsMax;
  try {
    await app.listen({ host, port });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `can't listen for agents on ${host}:${port}: ${why}`;
  }
  return {
    url: `${isPlain ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${portOf(app)}`,
    setCertificate: (next) => {
      if (!isPlain) (app.server as HttpsServer).setSecureContext(contextOf(next));
    },
    close: () => app.close(),
  };
}

const options = {
  bodyLimit: limits.bodyBytesMax,
  requestTimeout: limits.requestTimeoutMs,
  keepAliveTimeout: limits.keepAliveMs,
  forceCloseConnections: true,
} as const;

function tlsApp(certificate: AgentCertificate): FastifyInstance {
  return fastify({
    ...options,
    https: { ...contextOf(certificate), minVersion: 'TLSv1.2' },
  }) as unknown as FastifyInstance;
}

function contextOf({ certificatePem, keyPem }: AgentCertificate) {
  return { cert: certificatePem, key: keyPem };
}

function portOf(app: FastifyInstance): number {
  return (app.server.address() as AddressInfo).port;
}

/**
 * RFC 5735 section 3 and RFC 4291 section 2.5.3; names are resolved by whoever connects, so they don't
 * count.
 */
function isLoopback(host: string): boolean {
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(host, 'ipv4') || loopback.check(host, 'ipv6');
}
