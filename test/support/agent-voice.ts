/** An agent as tests need one: says where the active copies are, once or again and again. */
import { askAdmin } from './admin-client.ts';

export interface AgentDatabase {
  /** Who is active; undefined: nobody has it mounted. */
  readonly on: string | undefined;
  /** The status of the active copy, `Mounted` unless given. */
  readonly status?: string;
  readonly epoch?: number;
}

export interface AgentVoice {
  /** Posts one document; rejects when it is refused. A bare name stands for a database mounted there. */
  say(databases: Readonly<Record<string, string | AgentDatabase>>): Promise<void>;
  /** Repeats the last document at that pace, until silenced. */
  repeat(everyMs?: number): void;
  silence(): void;
}

export const agentKey = 'a-key-of-tests-only';

/** The voice of one agent at one gateway's admin socket. `servers` are all that have copies. */
export function agentVoice(socketPath: string, servers: readonly string[], agent = 'manager'): AgentVoice {
  let seq = Date.now();
  let last: Readonly<Record<string, string | AgentDatabase>> = {};
  let timer: NodeJS.Timeout | undefined;

  const post = async () => {
    seq += 1;
    const headers = { authorization: `Bearer ${agentKey}` };
    const body = agentDocument({ agent, seq, servers, databases: last });
    const answer = await askAdmin(socketPath, 'POST /v1/agent', { body, headers });
    if (answer.status >= 300) throw new Error(`the feed was refused: ${answer.status} ${answer.text}`);
  };
  const silence = () => clearInterval(timer);
  return {
    say(databases) {
      last = databases;
      return post();
    },
    repeat(everyMs = 1_000) {
      silence();
      timer = setInterval(() => void post().catch(() => undefined), everyMs).unref();
    },
    silence,
  };
}

interface DocumentParts {
  readonly agent: string;
  readonly seq: number;
  readonly servers: readonly string[];
  readonly databases: Readonly<Record<string, string | AgentDatabase>>;
}

/** One document of the feed, as docs/agent-feed.md describes it. */
export function agentDocument({ agent, seq, servers, databases }: DocumentParts): unknown {
  const rows = Object.entries(databases).map(([name, said]) => {
    const { on, status = 'Mounted', epoch } = typeof said === 'string' ? { on: said } : said;
    const copies = servers.map((server, index) => ({
      server,
      status: server === on ? status : 'Healthy',
      activationPreference: index + 1,
    }));
    const active = on === undefined ? {} : { activeServer: on };
    return {
      name,
      ...active,
      mounted: on !== undefined && status === 'Mounted',
      copies,
      ...(epoch === undefined ? {} : { epoch }),
    };
  });
  const observedAt = new Date().toISOString();
  return {
    schema: 'edge-topology/1',
    agent,
    seq,
    observedAt,
    server: { name: agent, fqdn: `${agent}.test` },
    databases: rows,
  };
}
