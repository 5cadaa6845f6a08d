/**
 * What is wrong with a site, from what was seen of it: every rule over every server and port, the worst
 * finding first. PURE.
 */
import { certificateFindings } from './certificate-rules.ts';
import { exchangeFindings } from './exchange-rules.ts';
import { type Finding, merged, worstFirst } from './finding.ts';
import { identityFindings } from './identity-rules.ts';
import { loginFindings } from './login-rules.ts';
import type { PortObservation, ServerObservation, SettingWarning, SiteObservation } from './observation.ts';
import { couldGrow, offerFindings } from './offer-rules.ts';
import { reachFindings } from './reach-rules.ts';

/** All findings, the worst first; one for what several protocols of a server have in common. */
export function findingsOf(site: SiteObservation): Finding[] {
  const ofServers = site.servers.flatMap((server) => [
    ...server.ports.flatMap((port) => portFindings(server, port, site)),
    ...loginFindings(server),
    ...exchangeFindings(server, site.preset),
  ]);
  return worstFirst(merged([...ofServers, ...couldGrow(site), ...site.warnings.map(warningFinding)]));
}

function portFindings(server: ServerObservation, port: PortObservation, site: SiteObservation): Finding[] {
  return [
    ...reachFindings(server, port),
    ...certificateFindings(server, port, site),
    ...offerFindings(server, port),
    ...identityFindings(server, port, site.preset),
  ];
}

/** Passwords in clear are worse than what else `check` warns of. */
function warningFinding({ setting, hint }: SettingWarning): Finding {
  const id = setting.endsWith('_TLS') ? 'clear-passwords' : 'check-says';
  return { id, server: undefined, protocols: [], what: `${setting}: ${hint}`, mend: [] };
}
