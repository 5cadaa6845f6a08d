/**
 * Every setting, one row each: the names are a contract with those who write configurations and never change.
 *
 * The parser, `postern check` and docs/settings.md all come from these rows. Where a default differs between
 * families of servers it stands in presets.ts; what must hold between settings is checked in parse.ts.
 */
import { databaseRows } from './database-rows.ts';
import { frontendRows } from './frontend-rows.ts';
import { limitRows, probeRows } from './limit-rows.ts';
import { operationRows } from './operation-rows.ts';
import { serverRows } from './server-rows.ts';
import type { SettingRow } from './setting-row.ts';

/** The sections of docs/settings.md, in order. */
export const settingSections: readonly { readonly title: string; readonly rows: readonly SettingRow[] }[] = [
  { title: 'Servers', rows: serverRows },
  { title: 'Databases and where they are', rows: databaseRows },
  { title: 'Frontends', rows: frontendRows },
  { title: 'Probes', rows: probeRows },
  { title: 'Limits', rows: limitRows },
  { title: 'Operation', rows: operationRows },
];

export const settingRows: readonly SettingRow[] = settingSections.flatMap((section) => section.rows);
