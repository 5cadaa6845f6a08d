/**
 * The agent on one server: posts what it knows of the databases. It knows its own copies for sure, the others
 * by hearsay that may be old; it can fall silent, be restarted with its count at the start, and be delayed.
 */
import type { Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Link, Network } from './network.ts';

/** What an agent says of one database. */
export interface Word {
  readonly database: string;
  readonly active: string | undefined;
  readonly epoch: number | undefined;
  readonly copies: readonly { readonly server: string; readonly status: string }[];
}

export interface Agent {
  readonly server: string;
  readonly link: Link;
  start(): void;
  silence(isSilent: boolean): void;
  /** Its count begins anew. */
  restart(): void;
  /** Says the same for so long, whatever happens. */
  freeze(isFrozen: boolean): void;
  speak(): void;
}

export interface AgentParts {
  readonly server: string;
  readonly everyMs: number;
  readonly isAlive: () => boolean;
  readonly look: () => readonly Word[];
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly post: (agent: string, words: readonly Word[], body: string) => void;
}

export function createAgent(parts: AgentParts): Agent {
  const { server, network, scheduler, random } = parts;
  const link = network.linkOf(`agent:${server}`);
  let seq = 1 + random.below(1000);
  let isSilent = false;
  let kept: readonly Word[] | undefined;

  function speak(): void {
    if (isSilent || !parts.isAlive()) return;
    const words = kept ?? parts.look();
    const body = documentOf(server, seq++, words);
    // Documents of one agent may overtake each other on the way.
    network.deliver(link, () => parts.post(server, words, body));
  }

  function again(): void {
    scheduler.after(parts.everyMs * (0.9 + 0.2 * random.next()), () => {
      speak();
      again();
    });
  }

  return {
    server,
    link,
    start() {
      scheduler.after(random.below(parts.everyMs), speak);
      again();
    },
    silence: (silent) => void (isSilent = silent),
    restart: () => void (seq = 1),
    freeze: (isFrozen) => void (kept = isFrozen ? parts.look() : undefined),
    speak,
  };
}

function documentOf(agent: string, seq: number, words: readonly Word[]): string {
  const databases = words.map(({ database, active, epoch, copies }) => ({
    name: database,
    ...(active === undefined ? {} : { activeServer: active }),
    ...(epoch === undefined ? {} : { epoch }),
    copies,
  }));
  return JSON.stringify({ schema: 'edge-topology/1', agent, seq, observedAt: 'never read', databases });
}
