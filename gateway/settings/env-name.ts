/** How the name of a server or database is written within the name of a setting. */

/** `ex-1` is written `EX_1`. */
export function envNameOf(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_');
}

/** The name of a server's own setting: POSTERN_SERVER_TLS of `ex-1` is POSTERN_SERVER_EX_1_TLS. */
export function serverSetting(server: string, suffix: string): string {
  return `POSTERN_SERVER_${envNameOf(server)}_${suffix}`;
}

export function databaseSetting(database: string, suffix: string): string {
  return `POSTERN_DATABASE_${envNameOf(database)}_${suffix}`;
}
