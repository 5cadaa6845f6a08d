/** The TLS profiles: which frontend has which, and what a build can do. */
import type { Part } from './part.ts';
import type { Problem } from './problem.ts';
import { tlsProfiles } from './profile-names.ts';
import type { FrontendName, TlsProfile } from './settings.ts';
import type { Surroundings } from './surroundings.ts';

export function profileOf(word: string | undefined): TlsProfile {
  return tlsProfiles.find((profile) => profile === word) ?? 'modern';
}

/** Each frontend's profile, by the general one of POSTERN_TLS_PROFILE and its exceptions. */
export function frontendProfiles(
  { values, surroundings, problems }: Part,
  names: readonly FrontendName[],
): ReadonlyMap<FrontendName, TlsProfile> {
  const words = values.list(setting);
  const general = words.filter((word) => !word.includes(':'));
  const exceptions = words.flatMap((word) => {
    const [frontend = '', profile] = word.split(':');
    return profile === undefined ? [] : [{ frontend, profile: profileOf(profile) }];
  });
  if (general.length > 1) problems.push(twice(`for all frontends: ${general.join(' and ')}`));
  const repeated = exceptions.find(({ frontend }, at) =>
    exceptions.some((other, earlier) => earlier < at && other.frontend === frontend),
  );
  if (repeated !== undefined) problems.push(twice(`for ${repeated.frontend}`));

  for (const { frontend } of exceptions) {
    if (!names.some((name) => name === frontend)) problems.push(notOffered(frontend));
  }

  const profiles = new Map(
    names.map((name) => {
      const own = exceptions.find(({ frontend }) => frontend === name);
      return [name, own?.profile ?? profileOf(general[0])];
    }),
  );
  const lacking = [...profiles.values()].find((profile) => profile !== 'modern');
  if (lacking !== undefined) problems.push(...lackingProfile(setting, lacking, surroundings));
  return profiles;
}

/** The problem of a profile that this build does not have. */
export function lackingProfile(
  name: string,
  profile: TlsProfile,
  { hasOpenssl }: Pick<Surroundings, 'hasOpenssl'>,
): Problem[] {
  if (profile === 'modern' || hasOpenssl) return [];
  return [
    {
      setting: name,
      problem: `asks for the profile ${profile}, and this build has no OpenSSL`,
      mend: 'build with POSTERN_BUILD_OPENSSL=true npm run build, or use modern',
    },
  ];
}

/** As load-balancers.ts says it of POSTERN_PROXY_PROTOCOL. */
function notOffered(frontend: string): Problem {
  const problem = `has ${frontend}, which POSTERN_PROTOCOLS does not offer`;
  return { setting, problem, mend: 'leave it out, or offer it' };
}

function twice(what: string): Problem {
  return { setting, problem: `names two profiles ${what}`, mend: 'leave one of them out' };
}

const setting = 'POSTERN_TLS_PROFILE';
