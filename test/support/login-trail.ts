/**
 * What the log of a Dovecot pair says of one mailbox: which server let it in, by which door, in which order,
 * and until when. Text only; both servers have written to one log, and its order is that of time.
 */
import type { DovecotPorts } from './dovecot-config.ts';

export interface TrailLogin {
  /** `imap`, `pop3`, `managesieve`, `submission`. */
  readonly service: string;
  readonly server: string;
  /** Seconds since midnight, as the log has them. */
  readonly second: number;
  /** Undefined while it is open. */
  readonly endSecond: number | undefined;
}

/**
 * The logins of a user, in the order of the log. A client that has gone while its password was checked is let
 * in all the same, to nobody: Dovecot says so in the login's own line, and those are left out. `ports`: the
 * servers' own, by which each line is told.
 */
export function trailOf(
  log: string,
  user: string,
  ports: Readonly<Record<string, DovecotPorts>>,
): TrailLogin[] {
  const servers = serversByPort(ports);
  const lines = log.split('\n');
  const ends = new Map(lines.flatMap((text) => endIn(text, user) ?? []));
  return lines.flatMap((text) => {
    const [, service = '', whose, port = '', pid = '', rest = ''] = loginLine.exec(text) ?? [];
    if (whose !== user || rest.includes('Connection closed')) return [];
    const server = servers.get(port) ?? `port ${port}`;
    return [{ service, server, second: secondOf(text), endSecond: ends.get(pid) }];
  });
}

/** The server of each run of logins: `['ex1', 'ex2', 'ex1']` where it moved twice. */
export function runsOf(logins: readonly TrailLogin[]): string[] {
  return logins.map(({ server }) => server).filter((server, at, all) => server !== all[at - 1]);
}

/**
 * Sessions that went on while another server had let the mailbox in. A second is granted: a connection that
 * is closed is a process for a moment more, and the log has whole seconds.
 */
export function overlapsIn(logins: readonly TrailLogin[]): TrailLogin[] {
  return logins.filter(({ server, endSecond = Number.POSITIVE_INFINITY }, at) => {
    const next = logins.slice(at).find((later) => later.server !== server);
    return next !== undefined && endSecond > next.second + 1;
  });
}

function serversByPort(ports: Readonly<Record<string, DovecotPorts>>): Map<string, string> {
  const rows = Object.entries(ports).flatMap(([server, own]) =>
    Object.values(own).map((port): [string, string] => [String(port), server]),
  );
  return new Map(rows);
}

function endIn(text: string, user: string): [[string, number]] | undefined {
  const [, whose, pid = ''] = endLine.exec(text) ?? [];
  return whose === user ? [[pid, secondOf(text)]] : undefined;
}

function secondOf(text: string): number {
  const [, hours, minutes, seconds] = /^\w+ \d+ (\d\d):(\d\d):(\d\d) /.exec(text) ?? [];
  return Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
}

const loginLine = /(\w+)-login: (?:Info: )?Login: user=<([^>]*)>, .*lport=(\d+), mpid=(\d+)(.*)$/;
const endLine =
  /\w+\(([^)]*)\)<(\d+)><[^>]*>: (?:Info: )?(?:Disconnected|Connection closed|Server shutting down)/;
