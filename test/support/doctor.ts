/** Runs `postern doctor` of dist/ in a process of its own over the settings of a test. */
import type { DoctorReport, FindingRow } from '#gateway/doctor/report';
import type { Authority } from './certificates.ts';
import { runChild } from './child.ts';
import { gatewayEnv, posternPath } from './gateway.ts';

export interface DoctorVisit {
  readonly status: number | string;
  readonly report: DoctorReport;
  /** Ids of what is worse than a hint. */
  readonly wrong: readonly string[];
  /** The first finding of this id; fails where there is none. */
  finding(id: string): FindingRow;
}

/** The settings of a site with one server, `ex1`, that has every database. */
export interface DoctorSite {
  readonly folder: string;
  readonly authority: Authority;
  readonly settings: Readonly<Record<string, string>>;
}

/** One visit; the changes are settings, of which '' removes one. */
export async function visit(
  site: DoctorSite,
  changes: Readonly<Record<string, string>> = {},
  ...args: string[]
): Promise<DoctorVisit> {
  const ended = await runDoctor(site, changes, '--json', ...args);
  if (!ended.stdout.startsWith('{')) throw new Error(`no report: ${ended.stderr}${ended.stdout}`);
  const report = JSON.parse(ended.stdout) as DoctorReport;
  const finding = (id: string): FindingRow => {
    const found = report.findings.find((row) => row.id === id);
    if (found === undefined) throw new Error(`no finding ${id}: ${ended.stdout}`);
    return found;
  };
  const wrong = report.findings.filter(({ severity }) => severity !== 'hint').map(({ id }) => id);
  return { status: ended.status, report, wrong, finding };
}

/** The same, as it prints. */
export async function runDoctor(
  { folder, authority, settings }: DoctorSite,
  changes: Readonly<Record<string, string>>,
  ...args: string[]
) {
  const databases = { db1: ['ex1'] };
  const base = await gatewayEnv({ servers: [], databases, mailboxes: {} }, { folder, authority });
  const all = { ...base, ...settings, ...changes };
  const env = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''));
  return runChild(process.execPath, [posternPath, 'doctor', ...args], { env, withinMs: 240_000 });
}

/** A line of a finding's mend as the setting that it would be when pasted; none where it is a sentence. */
export function pasted(line: string): Record<string, string> {
  const [, name = '', value = ''] = /^(POSTERN_[A-Z0-9_]+)=(\S+)$/.exec(line) ?? [];
  return name === '' ? {} : { [name]: value };
}
