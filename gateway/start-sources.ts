/** Starts the copy sources that the settings name, and remembers what was refused of them. */
import { type Watch } from '#lib/watch-file';
import { agentBodyBytesMax, createAgentFeed } from '#gateway/copy-sources/agent-feed';
import { startCopiesFile } from '#gateway/copy-sources/copies-file';
import { serverNames } from '#gateway/copy-sources/server-names';
import type { AgentParts } from '#gateway/admin/agent-route';
import type { Refusal } from '#gateway/cluster/known-databases';
import type { Settings } from '#gateway/settings/settings';
import type { Clock } from '#lib/clock';
import { type Files, systemFiles } from '#lib/files';
import type { Log } from '#lib/log';
import type { ClaimSet } from '#model/claim';
import type { DatabaseId } from '#model/ids';

export interface SourcesParts {
  readonly settings: Settings;
  /** Databases that the directory names. */
  readonly isInDirectory: (id: DatabaseId) => boolean;
  /** Gives why a document does not count. */
  readonly onClaims: (set: ClaimSet) => Refusal | undefined;
  /** This machine's disk unless given. */
  readonly files?: Files;
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
  const { settings, clock, files = systemFiles() } = parts;
  const serverIdOf = serverNames(settings.servers);
  const troubles = createTroubles(parts.log);

  function accept(source: string, set: ClaimSet): Refusal | undefined {
    const refusal = parts.onClaims(set);
    if (refusal?.is === 'overtaken') troubles.overtake(set.source, refusal.words);
    if (refusal?.is === 'tooMany') troubles.refuse(source, refusal.words);
    if (refusal === undefined) troubles.clear(source, set);
    return refusal;
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
      troubles.refuse('agent', received.problem);
      return received;
    }
    for (const note of received.notes) troubles.tellOnce(received.claims.source, note);
    const refusal = accept('agent', received.claims);
    if (refusal === undefined) return { notes: received.notes };
    if (refusal.is === 'tooMany') return { problem: refusal.words };
    return { notes: [...received.notes, `does not count: ${refusal.words}`] };
  };

  const file = startFile();
  function startFile(): Watch | undefined {
    const path = settings.copiesPath;
    if (path === undefined || !settings.copySources.includes('file')) return undefined;
    const onClaims = (set: ClaimSet): void => void accept('file', set);
    const onProblem = (words: string): void => troubles.refuse('file', words);
    return startCopiesFile({ path, files, clock, serverIdOf, onClaims, onProblem });
  }

  return {
    agent: { key: settings.agent.key, bodyBytesMax: agentBodyBytesMax, receive },
    problems: troubles.problems,
    stop: () => file?.close(),
  };
}

/** What was refused, told without filling the log: an agent repeats itself each few seconds. */
function createTroubles(log: Log) {
  const problems = new Map<string, string>();
  const logged = new Map<string, string>();
  const overtaken = new Set<string>();

  /** Each sentence of a source once in a row. */
  function tellOnce(source: string, words: string): void {
    if (logged.get(source) === words) return;
    logged.set(source, words);
    log.warn(`copy source ${source}: ${words}`, { source });
  }

  return {
    tellOnce,
    problems: () => problems,
    refuse(source: string, words: string): void {
      problems.set(source, words);
      tellOnce(source, words);
    },
    /** Once until a document counts again: two agents of one name overtake each other without end. */
    overtake(source: string, words: string): void {
      if (overtaken.has(source)) return;
      overtaken.add(source);
      log.warn(`copy source ${source}: a document does not count: ${words}`, { source });
    },
    clear(source: string, set: ClaimSet): void {
      problems.delete(source);
      overtaken.delete(set.source);
    },
  };
}
