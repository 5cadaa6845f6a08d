/**
 * The values of all settings that could be parsed, by name and type. What could not is a problem already
 * told.
 */
import type { Problem } from './problem.ts';
import type { ListenAddress, Secret } from './settings.ts';
import type { Found, Sources } from './sources.ts';
import { parseValue } from './value.ts';
import type { Value } from './value.ts';

/**
 * A value is undefined where the setting is not set, or is a problem. Names are those of the environment,
 * e.g. POSTERN_SERVER_EX1_ADDRESS; a name that is asked for as another type than its row's gives undefined.
 */
export interface Values {
  number(name: string): number | undefined;
  flag(name: string): boolean | undefined;
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  addressPort(name: string): ListenAddress | undefined;
  secret(name: string): Secret | undefined;
  /** True where something was written, good or bad: what was set badly is not also missing. */
  isSet(name: string): boolean;
  /** True where a person wrote it, rather than a preset or the table. */
  isWritten(name: string): boolean;
}

/** Parses every text that was found; the problems come back beside the values. */
export function parseValues({ found, problems: earlier }: Sources): { values: Values; problems: Problem[] } {
  const values = new Map<string, Value>();
  const problems: Problem[] = [...earlier];
  for (const [name, { known, text }] of found) {
    const parsed = parseValue(known.row.type, text);
    if ('value' in parsed) values.set(name, parsed.value);
    else problems.push({ setting: name, problem: parsed.problem, mend: parsed.mend });
  }
  const told = new Set(problems.map(({ setting }) => setting.replace(/_FILE$/, '')));
  return { values: valuesOf(values, found, told), problems };
}

function valuesOf(
  values: ReadonlyMap<string, Value>,
  found: ReadonlyMap<string, Found>,
  told: ReadonlySet<string>,
): Values {
  return {
    number: (name) => only(values.get(name), isNumber),
    flag: (name) => only(values.get(name), isFlag),
    text: (name) => only(values.get(name), isText),
    list: (name) => only(values.get(name), isList) ?? [],
    addressPort: (name) => only(values.get(name), isAddressPort),
    secret: (name) => only(values.get(name), isSecret),
    isSet: (name) => found.has(name) || told.has(name),
    isWritten: (name) =>
      told.has(name) || !/^(default|preset .*)$/.test(found.get(name)?.source ?? 'default'),
  };
}

function only<T extends Value>(
  value: Value | undefined,
  isKind: (value: Value) => value is T,
): T | undefined {
  return value !== undefined && isKind(value) ? value : undefined;
}

function isNumber(value: Value): value is number {
  return typeof value === 'number';
}

function isFlag(value: Value): value is boolean {
  return typeof value === 'boolean';
}

function isText(value: Value): value is string {
  return typeof value === 'string';
}

function isList(value: Value): value is readonly string[] {
  return Array.isArray(value);
}

function isAddressPort(value: Value): value is ListenAddress {
  return typeof value === 'object' && 'port' in value;
}

function isSecret(value: Value): value is Secret {
  return typeof value === 'object' && 'reveal' in value;
}
