/** Where TLS to a server came to nothing: which setting would connect, for `whereis` and the log. PURE. */
import type { ServerSettings } from '#gateway/settings/settings';
import { serverSetting } from '#gateway/settings/env-name';
import { tlsProfiles } from '#gateway/settings/profile-names';
import type { ProbeOutcome } from '#native';

export interface AskedServer {
  readonly server: Pick<ServerSettings, 'id' | 'trust'>;
  readonly port: number;
  /** Whether this build has the profiles `compatible` and `legacy`. */
  readonly hasOpenssl: boolean;
}

/** The outcome with words that name the setting; unchanged where no setting would help. */
export function withTlsAdvice(outcome: ProbeOutcome, asked: AskedServer): ProbeOutcome {
  if (outcome.offer !== undefined) return { ...outcome, detail: offerWords(outcome.offer, outcome, asked) };
  if (outcome.certificate === undefined) return outcome;
  return { ...outcome, detail: `${outcome.detail}; ${pinWords(outcome.certificate.sha256, asked)}` };
}

function offerWords(
  { version, suite, profile }: NonNullable<ProbeOutcome['offer']>,
  { detail }: ProbeOutcome,
  { server: { id, trust }, port, hasOpenssl }: AskedServer,
): string {
  const offer = `${id}:${port} offers only ${version} (${suite})`;
  if (profile === undefined) return `${offer}, and no profile connects`;
  // The suite was not the trouble, and the engine has said what was.
  if (tlsProfiles.indexOf(profile) <= tlsProfiles.indexOf(trust.profile)) return detail;
  const setting = `${serverSetting(id, 'TLS_PROFILE')}=${profile}`;
  const build = hasOpenssl ? '' : ', in a build with POSTERN_BUILD_OPENSSL=true';
  return `${offer}; profile ${trust.profile} cannot connect; ${setting} would${build}`;
}

function pinWords(sha256: string, { server: { id, trust } }: AskedServer): string {
  const pins = `${serverSetting(id, 'TLS_PINS')}=${sha256}`;
  const verify = trust.verify === 'pin' ? '' : `${serverSetting(id, 'TLS_VERIFY')}=pin with `;
  return `if that is its certificate, ${verify}${pins} would accept it`;
}
