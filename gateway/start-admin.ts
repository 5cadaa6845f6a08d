/** Opens the admin API on its socket and, where the settings name one, the agents' own listener. */
import type { AgentParts } from '#gateway/admin/agent-route';
import { type AgentListener, openAgentListener } from '#gateway/admin/agent-listener';
import { openSocket } from '#gateway/admin/open-socket';
import { type AdminParts, buildAdminServer } from '#gateway/admin/routes';
import type { CertificateText } from '#gateway/settings/certificates';
import type { Settings } from '#gateway/settings/settings';
import type { Log } from '#lib/log';
import { StartError } from './start-error.ts';

export interface AdminStartParts {
  readonly settings: Settings;
  readonly admin: AdminParts;
  readonly agent: AgentParts;
  readonly certificate: CertificateText | undefined;
  readonly uid: number;
  readonly log: Log;
}

export interface RunningAdmin {
  readonly socket: string;
  readonly agents: AgentListener | undefined;
  close(): Promise<void>;
}

/** Rejects with a StartError where an address can't be had. */
export async function startAdmin(parts: AdminStartParts): Promise<RunningAdmin> {
  const { settings, admin, agent, log } = parts;
  const app = buildAdminServer({ admin, agent, log });
  await app.ready();
  const socket = await openSocket(app.server, settings.adminSocket, parts.uid);
  if (typeof socket === 'string') throw new StartError(socket, 1);
  try {
    const agents = await startAgents(parts);
    return {
      socket: socket.path,
      agents,
      close: async () => {
        await agents?.close();
        await app.close();
      },
    };
  } catch (error) {
    await app.close();
    throw error;
  }
}

async function startAgents({
  settings,
  agent,
  certificate,
  log,
}: AdminStartParts): Promise<AgentListener | undefined> {
  const { listen } = settings.agent;
  if (listen === undefined) return undefined;
  if (agent.key === undefined) throw new StartError('POSTERN_AGENT_LISTEN needs POSTERN_AGENT_KEY', 78);
  if (certificate === undefined) throw new StartError('POSTERN_AGENT_LISTEN needs a certificate', 78);
  const opened = await openAgentListener({ listen, certificate, agent: { ...agent, key: agent.key }, log });
  if (typeof opened === 'string') throw new StartError(opened, 1);
  log.info(`agents are heard on ${opened.url}`);
  return opened;
}
