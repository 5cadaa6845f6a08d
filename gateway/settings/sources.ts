/**
 * Finds the text of each setting and says where it came from: the environment, the file POSTERN_ENV_PATH, a
 * file named by NAME_FILE, the preset, or the default. It judges names, not values.
 */
import { parseEnvFile } from './env-file.ts';
import { didYouMean } from './did-you-mean.ts';
import { isForeign, knownNames, suffixOf } from './names.ts';
import type { KnownName } from './names.ts';
import { isPresetName, presets } from './presets.ts';
import type { PresetName } from './presets.ts';
import type { Problem } from './problem.ts';
import type { Env, ReadFile, Surroundings } from './surroundings.ts';
import { settingRows } from './table.ts';

/** The text of one setting. `source` is shown by `postern check`. */
export interface Found {
  readonly known: KnownName;
  readonly text: string;
  readonly source: string;
}

export interface Sources {
  /** Every name that may be used, in the table's order, with what was found for it. */
  readonly known: ReadonlyMap<string, KnownName>;
  readonly found: ReadonlyMap<string, Found>;
  readonly preset: PresetName;
  readonly problems: readonly Problem[];
}

/** Collects all texts. An empty value counts as not set, as container tools write unset variables. */
export function readSources(environment: Env, { readFile }: Pick<Surroundings, 'readFile'>): Sources {
  const problems: Problem[] = [];
  const { env, fromFile } = mergedEnv(environment, readFile, problems);
  const { names, problems: nameProblems } = knownNames(settingRows, {
    servers: listed(env, 'POSTERN_SERVERS', readFile),
    databases: listed(env, 'POSTERN_DATABASES', readFile),
  });
  problems.push(...nameProblems, ...unknownNames(env, names));

  const written = env['POSTERN_PRESET'] ?? '';
  const preset = isPresetName(written) ? written : 'generic';
  const found = new Map<string, Found>();
  for (const known of names.values()) {
    const text = textOf(known, { env, fromFile, readFile, problems }) ?? defaultOf(known, preset);
    if (text !== undefined) found.set(known.name, { known, ...text });
  }
  return { known: names, found, preset, problems };
}

interface Reading {
  readonly env: Env;
  readonly fromFile: ReadonlySet<string>;
  readonly readFile: ReadFile;
  readonly problems: Problem[];
}

type Text = Pick<Found, 'text' | 'source'>;

function textOf(known: KnownName, { env, fromFile, readFile, problems }: Reading): Text | undefined {
  const { name } = known;
  const byValue = env[name];
  const path = env[`${name}_FILE`];
  if (isSet(byValue) && isSet(path)) {
    problems.push({ setting: name, problem: `is set, and ${name}_FILE too`, mend: 'keep one of them' });
    return undefined;
  }
  if (isSet(byValue))
    return { text: byValue, source: fromFile.has(name) ? 'file POSTERN_ENV_PATH' : 'environment' };
  if (!isSet(path)) return undefined;

  const file = readFile(path);
  if ('trouble' in file) {
    problems.push({
      setting: `${name}_FILE`,
      problem: `can't be used: ${file.trouble}`,
      mend: 'name a file that this user can read',
    });
    return undefined;
  }
  const text = file.text.trim();
  if (text !== '') return { text, source: `file ${path}` };
  problems.push({
    setting: `${name}_FILE`,
    problem: `names ${path}, which is empty`,
    mend: 'write the value into that file',
  });
  return undefined;
}

/** A server's own setting has no default: it falls back to the one for all servers. */
function defaultOf(known: KnownName, preset: PresetName): Text | undefined {
  if (known.of !== undefined) return undefined;
  const ofPreset = presets[preset].defaults[known.name];
  if (ofPreset !== undefined) return { text: ofPreset, source: `preset ${preset}` };
  const { byDefault } = known.row;
  return byDefault === undefined ? undefined : { text: byDefault, source: 'default' };
}

function unknownNames(env: Env, names: ReadonlyMap<string, KnownName>): Problem[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('POSTERN_') && isSet(env[name]) && !isForeign(name))
    .filter((name) => !names.has(name) && !names.has(name.replace(/_FILE$/, '')))
    .map((name) => ({ setting: name, problem: 'is no setting', mend: mendOf(name, [...names.keys()]) }));
}

function mendOf(name: string, names: readonly string[]): string {
  const bare = name.replace(/_FILE$/, '');
  const meant = didYouMean(bare, names);
  if (meant !== undefined) return `did you mean ${meant}${bare === name ? '' : '_FILE'}?`;
  const kind = /^POSTERN_(SERVER|DATABASE)_/.exec(name)?.[1];
  const row = settingRows.find(
    (candidate) => isOfSomebody(candidate.name, kind) && bare.endsWith(`_${suffixOf(candidate)}`),
  );
  if (kind === undefined || row === undefined) return 'remove it; docs/settings.md lists all names';
  const owner = bare.slice(`POSTERN_${kind}_`.length, -suffixOf(row).length - 1);
  return `add the ${kind.toLowerCase()} ${owner.toLowerCase()} to POSTERN_${kind}S, or remove it`;
}

function isOfSomebody(name: string, kind: string | undefined): boolean {
  return kind !== undefined && name.startsWith(`POSTERN_${kind}_`);
}

function mergedEnv(
  env: Env,
  readFile: ReadFile,
  problems: Problem[],
): { env: Env; fromFile: ReadonlySet<string> } {
  const path = env['POSTERN_ENV_PATH'];
  if (!isSet(path)) return { env, fromFile: new Set() };
  const file = readFile(path);
  if ('trouble' in file) {
    problems.push({
      setting: 'POSTERN_ENV_PATH',
      problem: `can't be used: ${file.trouble}`,
      mend: 'name a file that this user can read',
    });
    return { env, fromFile: new Set() };
  }
  const { values, problems: lineProblems } = parseEnvFile(file.text, path);
  problems.push(...lineProblems);
  return { env: { ...env, ...values }, fromFile: new Set(Object.keys(values)) };
}

/**
 * Which names there are must be known before the names of settings are; bad ones are told when values are
 * parsed.
 */
function listed(env: Env, name: string, readFile: ReadFile): string[] {
  const path = env[`${name}_FILE`];
  const file = isSet(path) ? readFile(path) : undefined;
  const byValue = env[name];
  const text = isSet(byValue) ? byValue : file !== undefined && 'text' in file ? file.text : '';
  const names = text.split(',').map((item) => item.trim().toLowerCase());
  return [...new Set(names.filter((item) => item !== ''))];
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
