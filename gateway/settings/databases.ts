/** The databases, their copies and move policies, and what becomes of a mailbox that the directory lacks. */
import type { DatabaseId, ServerId } from '#model/ids';
import type { MovePolicy, UnknownMailboxRule } from '#model/routing-table';
import { databaseSetting } from './env-name.ts';
import type { Part } from './part.ts';
import type { Problem } from './problem.ts';
import { unknownName } from './unknown-name.ts';
import type { DatabaseSettings, ServerSettings } from './settings.ts';

export interface DatabasePart {
  readonly databases: readonly DatabaseSettings[];
  readonly movePolicy: MovePolicy;
  readonly unknownMailbox: UnknownMailboxRule;
}

/** Adds to the part's problems what is wrong with a database or between them and the servers. */
export function databaseSettings(part: Part, servers: readonly ServerSettings[]): DatabasePart {
  const { values, problems } = part;
  const movePolicy = policyOf(values.text('POSTERN_MOVE_POLICY')) ?? 'exclusive';
  const ids = servers.map(({ id }) => id);
  const databases = values.list('POSTERN_DATABASES').map((name) => ({
    id: name as DatabaseId,
    copies: copiesOf(name, ids, part),
    policy: policyOf(values.text(databaseSetting(name, 'MOVE_POLICY'))) ?? movePolicy,
  }));
  const unknownMailbox = unknownMailboxRule(part, databases, movePolicy);
  problems.push(...exclusiveProblems(part, movePolicy));
  return { databases, movePolicy, unknownMailbox };
}

function policyOf(word: string | undefined): MovePolicy | undefined {
  return word === 'exclusive' || word === 'sticky' || word === 'free' ? word : undefined;
}

function copiesOf(database: string, servers: readonly ServerId[], { values, problems }: Part): ServerId[] {
  const setting = databaseSetting(database, 'COPIES');
  return values.list(setting).flatMap((name) => {
    const server = servers.find((id) => id === name);
    if (server === undefined)
      problems.push(unknownName(setting, name, { known: servers, list: 'POSTERN_SERVERS' }));
    return server === undefined ? [] : [server];
  });
}

function unknownMailboxRule(
  { values, problems }: Part,
  databases: readonly DatabaseSettings[],
  movePolicy: MovePolicy,
): UnknownMailboxRule {
  const name = values.text('POSTERN_DEFAULT_DATABASE');
  if (name === undefined) return movePolicy === 'exclusive' ? { then: 'refuse' } : { then: 'hash' };
  const known = databases.map(({ id }) => id);
  const database = known.find((id) => id === name);
  if (database === undefined) {
    problems.push(unknownName('POSTERN_DEFAULT_DATABASE', name, { known, list: 'POSTERN_DATABASES' }));
  }
  return { then: 'database', database: database ?? (name as DatabaseId) };
}

/**
 * Exclusive lets no login pass without a database, so a configuration that gives none would refuse
 * everyone.
 */
function exclusiveProblems({ values }: Part, movePolicy: MovePolicy): Problem[] {
  if (movePolicy !== 'exclusive') return [];
  const problems: Problem[] = [];
  if (!values.isSet('POSTERN_DATABASES')) {
    problems.push({
      setting: 'POSTERN_DATABASES',
      problem: 'is not set, and POSTERN_MOVE_POLICY is exclusive',
      mend: 'name the databases, or choose the preset of your servers (POSTERN_PRESET)',
    });
  }
  if (!values.isSet('POSTERN_DIRECTORY_PATH') && !values.isSet('POSTERN_DEFAULT_DATABASE')) {
    problems.push({
      setting: 'POSTERN_DIRECTORY_PATH',
      problem: 'is not set, so no mailbox has a database, and POSTERN_MOVE_POLICY is exclusive',
      mend: 'name the file of mailboxes, or set POSTERN_DEFAULT_DATABASE',
    });
  }
  return problems;
}
