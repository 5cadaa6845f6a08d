/**
 * Which names the environment may use: the table's rows, spelled out for the servers and databases that the
 * settings themselves name. Also which foreign names are ignored.
 */
import { databaseSetting, envNameOf, serverSetting } from './env-name.ts';
import type { Problem } from './problem.ts';
import type { SettingRow } from './setting-row.ts';

/** A name as it stands in the environment, without `_FILE`. */
export interface KnownName {
  readonly name: string;
  readonly row: SettingRow;
  /** The server or database whose own setting this is. */
  readonly of: string | undefined;
}

/** The names of the servers and databases, as POSTERN_SERVERS and POSTERN_DATABASES list them. */
export interface NamedByEnv {
  readonly servers: readonly string[];
  readonly databases: readonly string[];
}

export interface KnownNames {
  readonly names: ReadonlyMap<string, KnownName>;
  readonly problems: readonly Problem[];
}

/** Spells the table out. A server or database whose settings could be taken for another's is a problem. */
export function knownNames(rows: readonly SettingRow[], { servers, databases }: NamedByEnv): KnownNames {
  const names = new Map<string, KnownName>();
  const problems: Problem[] = [];
  const add = (known: KnownName): void => {
    const earlier = names.get(known.name);
    if (earlier === undefined) names.set(known.name, known);
    else problems.push(collision(known, earlier));
  };

  for (const row of rows.filter(({ name }) => !name.includes(placeholder))) {
    add({ name: row.name, row, of: undefined });
  }
  for (const server of servers) {
    if (isReserved(server)) problems.push(reservedName(server));
    else for (const known of namesOfServer(rows, server)) add(known);
  }
  for (const database of databases) for (const known of namesOfDatabase(rows, database)) add(known);
  return { names, problems: oneEach(problems) };
}

/** The table's names in their order: pool-wide ones, then each server's and database's own. */
function namesOfServer(rows: readonly SettingRow[], server: string): KnownName[] {
  const own = rows.filter(
    (row) => row.perServer === true || row.name.startsWith(`POSTERN_SERVER_${placeholder}`),
  );
  return own.map((row) => ({ name: serverSetting(server, suffixOf(row)), row, of: server }));
}

function namesOfDatabase(rows: readonly SettingRow[], database: string): KnownName[] {
  const own = rows.filter((row) => row.name.startsWith(`POSTERN_DATABASE_${placeholder}`));
  return own.map((row) => ({ name: databaseSetting(database, suffixOf(row)), row, of: database }));
}

/** What follows the server's or database's name. */
export function suffixOf(row: SettingRow): string {
  return row.name.replace(/^POSTERN_(SERVER|DATABASE)_(<NAME>_)?/, '');
}

/**
 * True for names that are none of ours though they begin with POSTERN_: what Kubernetes injects for a service
 * called postern (which would also be an unknown setting), and the variables of the tests and of the demo.
 */
export function isForeign(name: string): boolean {
  return /^POSTERN_(SERVICE_.*|PORT|PORT_.*|TEST_.*|DEMO_.*|LAB_.*)$/.test(name);
}

/**
 * A server called `tls` would make POSTERN_SERVER_TLS_CA_PATH mean two things. Words of settings to come are
 * refused with the others, so that a later release need not refuse a configuration that works.
 */
function isReserved(server: string): boolean {
  return reservedWords.includes(envNameOf(server).split('_')[0] ?? '');
}

const reservedWords = [
  'TLS',
  'IMAP',
  'POP3',
  'SIEVE',
  'SUBMISSION',
  'SMTP',
  'LMTP',
  'HTTPS',
  'IDENTITY',
  'DOWN',
  'WEIGHT',
  'ADDRESS',
  'FQDN',
  'SOURCE',
  'PROXY',
];

function reservedName(server: string): Problem {
  const word = envNameOf(server).split('_')[0] ?? '';
  return {
    setting: 'POSTERN_SERVERS',
    problem: `has the name ${server}, and POSTERN_SERVER_${word} begins settings of all servers`,
    mend: 'give that server another name',
  };
}

function collision(known: KnownName, earlier: KnownName): Problem {
  const setting = known.name.startsWith('POSTERN_DATABASE') ? 'POSTERN_DATABASES' : 'POSTERN_SERVERS';
  const both = `${earlier.of ?? earlier.name} and ${known.of ?? known.name}`;
  return {
    setting,
    problem: `has ${both}, which are both written ${known.name}`,
    mend: 'give one of them another name',
  };
}

/** Two names that collide do so in each of their settings; one problem says it. */
function oneEach(problems: readonly Problem[]): Problem[] {
  const seen = new Map<string, Problem>();
  for (const problem of problems) {
    const key = problem.problem.split(', which')[0] ?? '';
    if (!seen.has(key)) seen.set(key, problem);
  }
  return [...seen.values()];
}

const placeholder = '<NAME>';
