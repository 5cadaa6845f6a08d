/** Starts the copy sources that the settings name, and remembers what was refused of them. */
import { type Watch } from '#lib/watch-file';
import { agentBodyBytesMax, createAgentFeed } from '#gateway/copy-sources/agent-feed';
import { startCopiesFile } from '#gateway/copy-sources/copies-file';
import { serverNames } from '#gateway/copy-sources/server-names';
import type { AgentParts } from '#gateway/admin/agent-route';
import type { Settings } from '#gateway/settings/settings';
import type { Clock } from '#lib/clock';
import type { Log } from '#lib/log';
import type { ClaimSet } from '#model/claim';
import type { DatabaseId } from '#model/ids';

export interface SourcesParts {
  readonly settings: Settings;
  /** Databases that the directory names. */
  readonly isInDirectory: (id: DatabaseId) => boolean;
  readonly onClaims: (set: ClaimSet) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Sources {
  /** Where agents' documents go in; refuses them where the settings don't name the source `agent`. */
  readonly agent: AgentParts;
  /** The latest refusal of each source that is not over, by the source's name. */
  problems(): ReadonlyMap<string, string>;
  stop(): void;
}

export function startSources(parts: SourcesParts): Sources {
  const { settings, clock, log } = parts;
  const serverIdOf = serverNames(settings.servers);
  const problems = new Map<string, string>();
  const logged = new Map<string, string>();

  function refuse(source: string, words: string): void {
    problems.set(source, words);
    tellOnce(source, words);
  }
  /** An agent repeats itself each few seconds; the log gets each sentence once. */
  function tellOnce(source: string, words: string): void {
    if (logged.get(source) === words) return;
    logged.set(source, words);
    log.warn(`copy source ${source}: ${words}`, { source });
  }
  function accept(source: string, set: ClaimSet): void {
    problems.delete(source);
    parts.onClaims(set);
  }

  const known = new Set(settings.databases.map(({ id }) => id));
  const feed = createAgentFeed({
    serverIdOf,
    isKnownDatabase: (id) => known.has(id) || parts.isInDirectory(id),
  });
  const receive: AgentParts['receive'] = (body) => {
    if (!settings.copySources.includes('agent'))
      return { problem: 'POSTERN_COPY_SOURCES does not name agent' };
    const received = feed.receive(body, clock.now());
    if ('problem' in received) {
      refuse('agent', received.problem);
      return received;
    }
    for (const note of received.notes) tellOnce(received.claims.source, note);
    accept('agent', received.claims);
    return { notes: received.notes };
  };

  const file = startFile();
  function startFile(): Watch | undefined {
    const path = settings.copiesPath;
    if (path === undefined || !settings.copySources.includes('file')) return undefined;
    const onClaims = (set: ClaimSet): void => accept('file', set);
    return startCopiesFile({
      path,
      clock,
      serverIdOf,
      onClaims,
      onProblem: (words) => refuse('file', words),
    });
  }

  return {
    agent: { key: settings.agent.key, bodyBytesMax: agentBodyBytesMax, receive },
    problems: () => problems,
    stop: () => file?.close(),
  };
}
