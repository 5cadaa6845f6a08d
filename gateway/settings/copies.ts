/** Where the mailboxes and the active copies are told: the directory, and the copy sources. */
import type { Part } from './part.ts';
import type { Problem } from './problem.ts';
import type { CopySourceName, Settings } from './settings.ts';

type CopyPart = Pick<Settings, 'directoryPath' | 'copySources' | 'copiesPath' | 'agent'>;

/** Adds to the part's problems a source without what it needs, and a setting whose source is not asked. */
export function copySettings(part: Part): CopyPart {
  const { values, problems } = part;
  const copySources = values.list('POSTERN_COPY_SOURCES').filter(isCopySource);
  problems.push(...sourceProblems(part, copySources));
  for (const setting of ['POSTERN_DIRECTORY_PATH', 'POSTERN_COPIES_PATH'])
    problems.push(...unreadable(setting, part));
  return {
    directoryPath: values.text('POSTERN_DIRECTORY_PATH'),
    copySources,
    copiesPath: values.text('POSTERN_COPIES_PATH'),
    agent: { listen: values.addressPort('POSTERN_AGENT_LISTEN'), key: values.secret('POSTERN_AGENT_KEY') },
  };
}

function sourceProblems({ values }: Part, sources: readonly CopySourceName[]): Problem[] {
  const problems: Problem[] = [];
  const hasSources = sources.length > 0;
  const hasPath = values.isSet('POSTERN_COPIES_PATH');
  if (sources.includes('file') && !hasPath) {
    problems.push({
      setting: 'POSTERN_COPIES_PATH',
      problem: 'is not set, and POSTERN_COPY_SOURCES has file',
      mend: 'name the file that says where the active copies are',
    });
  }
  if (hasPath && hasSources && !sources.includes('file')) {
    problems.push({
      setting: 'POSTERN_COPIES_PATH',
      problem: 'is set, and POSTERN_COPY_SOURCES has no file',
      mend: 'add file to POSTERN_COPY_SOURCES, or remove it',
    });
  }
  if (values.isSet('POSTERN_AGENT_LISTEN') && !values.isSet('POSTERN_AGENT_KEY')) {
    problems.push({
      setting: 'POSTERN_AGENT_KEY',
      problem: 'is not set, and POSTERN_AGENT_LISTEN is',
      mend: 'give the token that agents send, as POSTERN_AGENT_KEY_FILE',
    });
  }
  if (values.isSet('POSTERN_AGENT_LISTEN') && hasSources && !sources.includes('agent')) {
    problems.push({
      setting: 'POSTERN_AGENT_LISTEN',
      problem: 'is set, and POSTERN_COPY_SOURCES has no agent',
      mend: 'add agent to POSTERN_COPY_SOURCES, or remove it',
    });
  }
  return problems;
}

function unreadable(setting: string, { values, surroundings }: Part): Problem[] {
  const path = values.text(setting);
  if (path === undefined || surroundings.isReadableFile(path)) return [];
  return [
    {
      setting,
      problem: `names ${path}, which is no file that this user can read`,
      mend: 'make the file, or correct the path',
    },
  ];
}

function isCopySource(word: string): word is CopySourceName {
  return word === 'agent' || word === 'file';
}
