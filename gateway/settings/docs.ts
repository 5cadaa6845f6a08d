/**
 * Prints the pages that are generated: docs/settings.md and docs/end-reasons.md. A test compares them with
 * the files.
 */
import { endReasons } from '#model/end-reason';
import { type Preset, presetNames, presets } from './presets.ts';
import { settingSections } from './table.ts';
import type { SettingRow, SettingType } from './setting-row.ts';
import { formatDuration } from './value.ts';

/** docs/settings.md, whole. */
export function settingsPage(): string {
  const sections = settingSections.map(
    ({ title, rows }) => `## ${title}\n\n${rows.map(settingEntry).join('\n')}`,
  );
  return `${settingsIntroduction}\n${sections.join('\n')}\n## Presets\n\n${presetTable()}`;
}

/** docs/end-reasons.md, whole. */
export function endReasonsPage(): string {
  const rows = Object.entries(endReasons).map(([name, { code, fault, isError, text }]) => [
    `\`${name}\``,
    String(code),
    fault,
    isError ? 'yes' : '',
    text,
  ]);
  const head = ['name', 'code', 'whose doing', 'error', 'what happened'];
  return `${endReasonsIntroduction}\n${table(head, rows)}`;
}

function settingEntry(row: SettingRow): string {
  const perServer =
    row.perServer === true ? `; one server's own: \`${row.name.replace('SERVER_', 'SERVER_<NAME>_')}\`` : '';
  const facts = [typeWords(row.type) + perServer, `default: ${defaultWords(row)}`, reloadWords(row)];
  return `### ${row.name}\n\n${row.doc}\n\n${facts.map((fact) => `- ${fact}`).join('\n')}\n`;
}

function defaultWords({ byDefault, defaultWords: words }: SettingRow): string {
  return byDefault === undefined ? (words ?? 'none') : `\`${byDefault}\``;
}

function reloadWords({ isReloadable }: SettingRow): string {
  return isReloadable ? 'a change is applied by SIGHUP' : 'a change needs a restart';
}

function typeWords(type: SettingType): string {
  switch (type.is) {
    case 'duration':
      return `a duration from ${formatDuration(type.minMs)} to ${formatDuration(type.maxMs)}`;
    case 'whole':
      return `a whole number from ${type.min} to ${type.max}`;
    case 'word':
      return `one of ${type.words.map((word) => `\`${word}\``).join(', ')}`;
    case 'words':
      return `a list of ${type.words.map((word) => `\`${word}\``).join(', ')}`;
    case 'secret':
      return 'a secret, never shown';
    case 'flag':
    case 'name':
    case 'names':
    case 'path':
    case 'paths':
    case 'address':
    case 'addresses':
    case 'networks':
    case 'addressPort':
    case 'hostname':
    case 'pins':
    case 'capabilities':
      return plainTypeWords[type.is];
  }
}

function presetTable(): string {
  const rows = presetNames.map((name) => {
    const { about, defaults, baselines } = presets[name];
    const set = Object.entries(defaults).map(([setting, value]) => `\`${setting}=${value}\``);
    return [`\`${name}\``, about, set.join('<br>') || 'nothing', baselineWords(baselines)];
  });
  return table(['preset', 'for', 'sets', 'offers before the login, besides the basics'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}

const plainTypeWords = {
  flag: '`true` or `false`',
  name: 'a name',
  names: 'a list of names',
  path: 'a whole path',
  paths: 'a list of whole paths',
  address: 'an IP address',
  addresses: 'a list of IP addresses',
  networks: 'a list of IP addresses and networks, `10.1.0.5` or `10.2.0.0/16`',
  addressPort: 'an IP address and a port, `10.1.0.21:8453` or `[fd00::21]:8453`',
  hostname: 'a host name',
  pins: 'a list of SHA-256 of certificates, 64 hexadecimal digits each, with or without colons',
  capabilities: 'a list of capabilities',
} as const;

const settingsIntroduction = `# Settings

<!-- Generated from gateway/settings/table.ts and presets.ts; a test compares. Write there. -->

Postern is set by environment variables. \`postern check\` shows each with its value, where it came from
and what is wrong with it.

- Durations are written \`500ms\`, \`30s\`, \`35m\`, \`1h\`; lists with commas; an empty value is no value.
- Any setting may end in \`_FILE\`: then its value stands in the file of that name. Both forms at once are
  an error. A file that Postern itself reads, and reads again, is named by a setting that ends in \`_PATH\`.
- \`POSTERN_SERVER_*\` is for all servers, \`POSTERN_SERVER_<NAME>_*\` for one; \`ex-1\` is written \`EX_1\`.
- A name that begins with \`POSTERN_\` and is no setting is an error, except those that Kubernetes injects
  (\`POSTERN_SERVICE_*\`, \`POSTERN_PORT\`, \`POSTERN_PORT_*\`) and those of the tests and the demo
  (\`POSTERN_TEST_*\`, \`POSTERN_DEMO_*\`, \`POSTERN_LAB_*\`).
- At a start all problems are printed, each with its mend, and the exit code is 78. At a reload a problem
  changes nothing.
`;

const endReasonsIntroduction = `# End reasons

<!-- Generated from gateway/model/end-reason.ts; a test compares. Write there. -->

Every session ends for exactly one of these. The name is in the session's log line and in the metrics; the
code crosses between TypeScript and the engine and is never given another meaning. "Whose doing" says where
to look first; "error" marks what an operator would want to know.
`;

function baselineWords(baselines: Preset['baselines']): string {
  const words = Object.entries(baselines).map(([protocol, baseline]) => `${protocol}: ${baseline.join(' ')}`);
  return words.join('<br>') || 'nothing';
}
