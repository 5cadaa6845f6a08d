/** What one row of the settings' table says: a name, its type, its default, and what it is for. */
import type { LoginProtocol } from '#model/protocol';

/** What a value is, and how it is written. */
export type SettingType =
  | { readonly is: 'duration'; readonly minMs: number; readonly maxMs: number }
  | { readonly is: 'whole'; readonly min: number; readonly max: number }
  | { readonly is: 'flag' }
  | { readonly is: 'word'; readonly words: readonly string[] }
  | { readonly is: 'words'; readonly words: readonly string[] }
  | { readonly is: 'name' }
  | { readonly is: 'names' }
  | { readonly is: 'path' }
  | { readonly is: 'paths' }
  | { readonly is: 'address' }
  | { readonly is: 'addresses' }
  | { readonly is: 'networks' }
  | { readonly is: 'addressPort' }
  | { readonly is: 'hostname' }
  | { readonly is: 'pins' }
  | { readonly is: 'capabilities'; readonly protocol: LoginProtocol }
  | { readonly is: 'secret'; readonly lengthMin: number };

export interface SettingRow {
  /** `<NAME>` stands for a server's or a database's name in capitals. */
  readonly name: SettingName;
  readonly type: SettingType;
  /** As it would be written; undefined: none. */
  readonly byDefault: string | undefined;
  /** In words, where the default is worked out rather than written. */
  readonly defaultWords?: string;
  /** True: a server may have its own, as POSTERN_SERVER_<NAME>_ and the rest of the name. */
  readonly perServer?: boolean;
  /** True: SIGHUP applies a change without ending a session; else it needs a restart. */
  readonly isReloadable: boolean;
  readonly doc: string;
}

export type SettingName = `POSTERN_${string}`;

/** A row that a restart puts in force. */
export function row(
  ...[name, type, byDefault, doc, defaultWords]: [
    SettingName,
    SettingType,
    string | undefined,
    string,
    string?,
  ]
): SettingRow {
  return {
    name,
    type,
    byDefault,
    isReloadable: false,
    doc,
    ...(defaultWords === undefined ? {} : { defaultWords }),
  };
}

/** A row that SIGHUP puts in force. */
export function live(...parts: Parameters<typeof row>): SettingRow {
  return { ...row(...parts), isReloadable: true };
}

const second = 1000;
const minute = 60 * second;
/** Milliseconds. */
export const durations = { second, minute, hour: 60 * minute } as const;
