/** The probe accounts: lines of database, user and password, white space between; # begins a comment line. */
import type { DatabaseId } from '#model/ids';
import type { Part } from './part.ts';
import type { Problem } from './problem.ts';
import { secretOf } from './secret.ts';
import type { ProbeAccount } from './settings.ts';
import { unknownName } from './unknown-name.ts';

/** Problems name the line, never what stands in it. */
export function probeAccounts({ values, problems }: Part, databases: readonly string[]): ProbeAccount[] {
  const text = values.secret(setting)?.reveal() ?? '';
  const accounts: ProbeAccount[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const account = accountOf(trimmed);
    if (account === undefined) problems.push(badLine(index + 1));
    else if (accounts.some(({ database }) => database === account.database))
      problems.push(secondOf(account, index + 1));
    else accounts.push(account);
  }
  problems.push(...unknownDatabases(accounts, databases));
  return accounts;
}

/** The password is the rest of the line: it may hold white space. */
function accountOf(line: string): ProbeAccount | undefined {
  const match = /^(\S+)\s+(\S+)\s+(.+)$/.exec(line);
  if (match === null) return undefined;
  const [, database = '', user = '', password = ''] = match;
  return { database: database.toLowerCase() as DatabaseId, user, password: secretOf(password) };
}

/** Without POSTERN_DATABASES the copy sources name the databases, and nothing is known of them yet. */
function unknownDatabases(accounts: readonly ProbeAccount[], databases: readonly string[]): Problem[] {
  if (databases.length === 0) return [];
  return accounts
    .filter(({ database }) => !databases.includes(database))
    .map(({ database }) => unknownName(setting, database, { known: databases, list: 'POSTERN_DATABASES' }));
}

function badLine(line: number): Problem {
  return {
    setting,
    problem: `has no database, user and password in line ${line}`,
    mend: 'write them with white space between',
  };
}

function secondOf({ database }: ProbeAccount, line: number): Problem {
  return {
    setting,
    problem: `has a second account of ${database} in line ${line}`,
    mend: 'leave one a database',
  };
}

const setting = 'POSTERN_PROBE_ACCOUNTS';
